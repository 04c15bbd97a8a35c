import { expect, inject, it } from 'vitest';
import { serverVersion, startServer } from './server.js';

it('takes the server that TEST_DATABASE_URL names and does not stop it', async () => {
  const adminUrl = inject('adminUrl');
  const server = await startServer({ TEST_DATABASE_URL: adminUrl });
  expect(server).toMatchObject({ adminUrl, kind: 'TEST_DATABASE_URL' });
  await server.stop();
  await expect(serverVersion(adminUrl)).resolves.toMatch(/^\d+\.\d+/);
});

it('refuses a TEST_DATABASE_URL of another major version than asked for', async () => {
  const adminUrl = inject('adminUrl');
  const other = Number.parseInt(await serverVersion(adminUrl), 10) === 15 ? '16' : '15';
  await expect(startServer({ TEST_DATABASE_URL: adminUrl, TEST_POSTGRES_MAJOR: other })).rejects.toThrow(`TEST_POSTGRES_MAJOR is ${other}, but`);
});

it('refuses an unsupported major version', async () => {
  await expect(startServer({ TEST_POSTGRES_MAJOR: '9' })).rejects.toThrow('use one of 15, 16, 17, 18');
});
