import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startServing } from '../catalog/worker-scene.js';
import { createOrders, createTable, createView, freshDatabase, valueOf } from '../worker/scene.js';
import { listener } from './listener-process.js';

interface Tree {
  readonly name: string;
  readonly kind: string;
  readonly child: boolean;
  readonly repeated: boolean;
  readonly below: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ name: z.string(), kind: z.string(), child: z.boolean(), repeated: z.boolean(), below: z.array(tree) }));
const schema = z.strictObject({
  view: z.string(), at: z.iso.datetime(), standby: z.boolean(), installed: z.boolean(),
  status: z.looseObject({ state: z.string(), changes: z.int(), changedSources: z.array(z.string()) }).nullable(),
  plan: z.strictObject({
    plan: z.enum(['concurrent', 'plain']), reason: z.string(), index: z.strictObject({ name: z.string(), columns: z.array(z.string()) }).nullable(),
    advice: z.string().nullable(),
  }),
  reads: z.array(tree), readBy: z.array(tree),
  sources: z.array(z.looseObject({ source: z.string(), watch: z.string(), difference: z.string().nullable(), remembered: z.boolean() })),
  unwritten: z.array(z.string()),
  settings: z.array(z.strictObject({ option: z.string(), value: z.union([z.string(), z.number(), z.boolean()]).nullable(), origin: z.string() })),
});

async function explained(url: string, name: string): Promise<z.infer<typeof schema>> {
  const { status, stdout, stderr } = await listener(url, 'explain', name, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return schema.parse(JSON.parse(stdout));
}

// Each call starts a process.
describe('listener explain', { timeout: 90_000 }, () => {
  it('tells before anything is installed what a worker would do, and leaves nothing behind', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await db.app.query(`CREATE VIEW public.v_orders AS SELECT id, n FROM public.orders; GRANT SELECT ON public.v_orders TO ${db.roles.worker}`);
    await createView(db, '"Odd ""mv"""', 'SELECT v.id, v.n, now() AS seen FROM public.v_orders AS v JOIN public.mv_orders AS m USING (id)');
    await db.worker.query('CREATE UNIQUE INDEX odd_some ON public."Odd ""mv""" (id) WHERE n > 0');
    expect(await explained(db.url('worker'), '"Odd ""mv"""')).toMatchObject({
      view: 'public."Odd ""mv"""', installed: false, status: null,
      plan: { plan: 'plain', reason: expect.stringContaining('odd_some will not do: it is partial') as string, advice: expect.stringMatching(/^CREATE UNIQUE INDEX .*;$/) as string },
      reads: [
        { name: 'public.mv_orders', kind: 'materialized view', below: [{ name: 'public.orders', kind: 'table' }] },
        { name: 'public.v_orders', kind: 'plain view', below: [{ name: 'public.orders' }] },
      ],
      readBy: [],
      sources: [{ source: 'public.mv_orders', watch: 'sweep' }, { source: 'public.orders', watch: 'not-installed' }],
      unwritten: [expect.stringContaining('clock') as string],
    });
    expect((await explained(db.url('worker'), 'mv_orders')).readBy).toMatchObject([{ name: 'public."Odd ""mv"""' }]);
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });

  it('tells of a view that is served why it is stale, and what is wrong with its triggers', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createTable(db, 'lines');
    await createView(db, 'mv_lines', 'SELECT l.n FROM public.orders AS o JOIN public.lines AS l USING (id)');
    const worker = await startServing(db, ['mv_*']);
    await worker.stop();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1); ALTER TABLE public.lines DISABLE TRIGGER refresh_listener');
    expect(await explained(db.url('worker'), 'mv_lines')).toMatchObject({
      status: { state: 'stale', changes: 1, changedSources: ['public.orders'] },
      sources: [{ source: 'public.lines', watch: 'disabled', remembered: true, difference: null }, { source: 'public.orders', watch: 'trigger' }],
      unwritten: [],
    });
    const { stdout } = await listener(db.url('worker'), 'explain', 'mv_orders');
    expect(stdout).toContain('How it is refreshed\n  Concurrently: by unique index mv_orders_id_idx (id): readers do not notice.\n');
    expect(stdout).toContain('What it reads\n  public.mv_orders\n  └── public.orders (table)\n\nWhat reads it\n  No other view.\n');
  });

  it('sees what no trigger saw', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const worker = await startServing(db, ['mv_orders']);
    await worker.stop();
    await db.app.query("ALTER TABLE public.orders ADD COLUMN note text DEFAULT 'none'");
    const { stdout } = await listener(db.url('worker'), 'explain', 'mv_orders');
    expect(stdout).toContain('public.orders looks different from the last refresh (columns), and no trigger saw why');
  });

  it('says in one line that there is no such view', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    expect(await listener(db.url('worker'), 'explain', 'mv_oders')).toEqual({
      status: 2, stdout: '', stderr: 'listener: there is no materialized view mv_oders: did you mean public.mv_orders?\n',
    });
  });
});
