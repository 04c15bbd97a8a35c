import type { CommandGroup } from './command.js';
import { summaryCreateCommand } from './summary-create.js';
import { summaryDropCommand } from './summary-drop.js';
import { summaryListCommand } from './summary-list.js';

export const summaryCommands: CommandGroup = {
  name: 'summary',
  summary: 'Summary tables: kept equal to a query by applying changes, not by rerunning it',
  commands: [summaryCreateCommand, summaryListCommand, summaryDropCommand],
};
