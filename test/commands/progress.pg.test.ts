import { describe, expect, it } from 'vitest';
import { listener } from '../support/hand-command.js';
import { onTerminal } from '../support/terminal.js';
import { addEvents, eventsAndSummary, wrongRows } from '../freshen/summary/scene.js';

/** Erases a line: what a bar leaves behind. */
const erased = '\u001b[2K';

// Each call starts a process.
describe('on a terminal', { timeout: 120_000 }, () => {
  it('a bar shows how far a first fill has come, then a catching up; what was done stays', async (context) => {
    const db = await eventsAndSummary();
    await addEvents(db, 20_000);
    await db.worker.query('UPDATE refresh_listener.watermark SET batch = 1000');
    const filled = await onTerminal(context, db.url('worker'), ['refresh', 'hourly']);
    expect(filled).toMatch(/[=-]+ \d+% \| filling public\.hourly: 1,000 rows, 19,100 left/);
    expect(lastLines(filled)).toMatch(/^Refreshed public\.hourly in .*: asked for by hand; \d+ rows added\.\s*$/);
    expect(await wrongRows(db)).toBe(0);

    await addEvents(db, 20_000);
    await db.worker.query('UPDATE refresh_listener.watermark SET batch = 1000');
    expect(await onTerminal(context, db.url('worker'), ['refresh', 'hourly'])).toMatch(/catching up public\.hourly: 1,000 rows, 19,000 left/);
    // One batch needs none.
    await addEvents(db, 10);
    const short = await onTerminal(context, db.url('worker'), ['refresh', 'hourly']);
    expect(short).not.toContain('catching up');
    expect(short).toMatch(/^Refreshed public\.hourly /);
  });

  it('a bar shows how far a backfill has come', async (context) => {
    const db = await eventsAndSummary({ lateness: '1 day' });
    expect(await listener(db.url('worker'), ['refresh', 'hourly'])).toMatchObject({ status: 0, stderr: '' });
    const shown = await onTerminal(context, db.url('worker'), ['backfill', 'hourly', '--from', '2025-01-01']);
    expect(shown).toMatch(/[=-]+ \d+% \| 0 of \d+ buckets \| 0 rows corrected/);
    expect(lastLines(shown)).toMatch(/Recomputed \d+ buckets? of public\.hourly in /);
  });
});

function lastLines(shown: string): string {
  return shown.slice(shown.lastIndexOf(erased) + erased.length).replace(/^[^A-Z]*/, '');
}
