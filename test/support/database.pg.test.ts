import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createDatabase, type TestDatabase } from './database.js';

describe('createDatabase', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase();
  });

  afterEach(() => database.drop());

  it('gives the worker the rows of the application, and views of its own', async () => {
    await database.app.query('CREATE TABLE public.orders AS SELECT 1 AS id');
    await database.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT count(*) AS count FROM public.orders');
    expect((await database.worker.query('SELECT count FROM public.mv_orders')).rows).toEqual([{ count: '1' }]);
    await database.worker.query('CREATE SCHEMA own CREATE TABLE note (id int)');
  });

  it('makes neither of the two roles more than ordinary', async () => {
    const { rows } = await database.admin.query('SELECT DISTINCT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = ANY ($1)', [
      [database.roles.app, database.roles.worker],
    ]);
    expect(rows).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolreplication: false, rolbypassrls: false }]);
    await database.app.query('CREATE TABLE public.orders (id int)');
    await expect(database.worker.query('INSERT INTO public.orders VALUES (1)')).rejects.toThrow('permission denied');
  });

  it('fails for the worker when a name lacks its schema', async () => {
    await database.app.query('CREATE TABLE public.orders (id int)');
    await expect(database.worker.query('SELECT id FROM orders')).rejects.toThrow('relation "orders" does not exist');
  });

  it('drops everything, with sessions open and transactions prepared', async () => {
    const session = new pg.Client(database.url('app'));
    const ended = new Promise((resolve) => session.on('error', resolve));
    await session.connect();
    await database.app.query('CREATE TABLE public.orders (id int)');
    await session.query("BEGIN; INSERT INTO public.orders VALUES (1); PREPARE TRANSACTION 'it''s left'");
    await database.drop();
    await ended;

    const admin = new pg.Client(inject('adminUrl'));
    await admin.connect();
    const left = await admin.query(
      `SELECT datname AS name FROM pg_database WHERE datname = $1
       UNION SELECT rolname FROM pg_roles WHERE rolname LIKE $1 || '%'
       UNION SELECT gid FROM pg_prepared_xacts WHERE database = $1`,
      [database.name],
    );
    await admin.end();
    expect(left.rows).toEqual([]);
  });

  it('tells of a client that a test has kept, and drops nevertheless', async () => {
    const other = await createDatabase();
    await other.app.connect();
    await expect(other.drop()).rejects.toThrow('1 clients of the pools');
    const { rows } = await database.admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [other.name]);
    expect(rows).toEqual([]);
  });

  it('records what its connections died of', async () => {
    const client = await database.app.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const lost = new Promise((resolve) => client.on('error', resolve));
    await database.admin.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await lost;
    client.release(true);
    expect(database.lostConnections.map(String)).toContain('error: terminating connection due to administrator command');
  });
});
