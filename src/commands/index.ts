import type { Command } from './command.js';
import { runCommand } from './run.js';

/** Every subcommand, in the order of `listener --help`. The first is the main job, and the default. */
export const commands: readonly Command[] = [runCommand];
