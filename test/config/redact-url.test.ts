import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactUrl, redactUrls } from '../../src/config/redact-url.js';

describe('redactUrl', () => {
  it.each([
    ['postgres://u:secret@host:5432/db', 'postgres://u:***@host:5432/db'],
    ['postgres://u@host/db', 'postgres://u@host/db'],
    ['postgres://host:5432/db', 'postgres://host:5432/db'],
    ['postgresql://u:sec/ret@host/db', 'postgresql://u:***@host/db'],
    ['postgres://u:sec#ret@host/db', 'postgres://u:***@host/db'],
    ['postgres://u:sec?ret@host/db', 'postgres://u:***@host/db'],
    ['postgres://u:sec@ret@host/db', 'postgres://u:***@host/db'],
    ['postgres://u:secret@host/db?sslmode=require', 'postgres://u:***@host/db?sslmode=require'],
    ['postgres://host/db?user=u&password=secret&sslmode=require', 'postgres://host/db?user=u&password=***&sslmode=require'],
    ['postgres://host/db?password=sec@ret', 'postgres://host/db?password=***'],
    ['postgres://host/db?sslkey=/secret/key&sslpassword=s', 'postgres://host/db?sslkey=***&sslpassword=***'],
    ["host=h password='my secret' dbname=d", 'host=h password=*** dbname=d'],
    ['u:secret@host/db', 'u:***@host/db'],
    ['nonsense', 'nonsense'],
    ['', ''],
  ])('shows %s as %s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  it('shows no password, whatever is in it', () => {
    const password = fc.string({ minLength: 3, unit: 'grapheme' }).filter((text) => !'postgres://user:***@host:5432/db?sslmode=require'.includes(text));
    fc.assert(
      fc.property(password, (secret) => {
        expect(redactUrl(`postgres://user:${secret}@host:5432/db?sslmode=require`)).not.toContain(secret);
        const encoded = encodeURIComponent(secret);
        expect(redactUrl(`postgres://host/db?sslmode=require&password=${encoded}&user=user`)).not.toContain(`=${encoded}&`);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof redactUrl(text) === 'string' && typeof redactUrls(text) === 'string'));
  });
});

describe('redactUrls', () => {
  it('hides the password of a URL inside a text', () => {
    expect(redactUrls('could not reach "postgres://u:secret@host/db": refused')).toBe('could not reach "postgres://u:***@host/db": refused');
    expect(redactUrls('see https://example.org/a:b')).toBe('see https://example.org/a:b');
  });
});
