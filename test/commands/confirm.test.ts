import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirm } from '../../src/commands/confirm.js';

async function answered(text: string): Promise<boolean> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  input.end(text);
  const answer = await confirm('Remove all this?', input, output);
  expect(String(output.read())).toContain('Remove all this? [y/N] ');
  return answer;
}

describe('a question on the terminal', () => {
  it.each(['y\n', 'Y\n', 'yes\n', ' Yes \n'])('takes %j for a yes', async (text) => expect(await answered(text)).toBe(true));
  it.each(['\n', 'n\n', 'no\n', 'yesterday\n', 'app\n', ''])('takes %j for a no', async (text) => expect(await answered(text)).toBe(false));
});
