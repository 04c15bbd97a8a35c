import { backfillCommand } from './backfill.js';
import type { Command, CommandGroup } from './command.js';
import { doctorCommand } from './doctor.js';
import { explainCommand } from './explain.js';
import { installCommand } from './install.js';
import { pauseCommand, resumeCommand } from './pause.js';
import { refreshCommand } from './refresh.js';
import { runCommand } from './run.js';
import { statusCommand } from './status.js';
import { summaryCommands } from './summary.js';
import { uninstallCommand } from './uninstall.js';
import { verifyCommand } from './verify.js';

/** Every subcommand, in the order of `listener --help`. The first is the main job, and the default. */
export const commands: readonly (Command | CommandGroup)[] = [
  runCommand, statusCommand, explainCommand, refreshCommand, pauseCommand, resumeCommand, doctorCommand, verifyCommand,
  summaryCommands, backfillCommand, installCommand, uninstallCommand,
];
