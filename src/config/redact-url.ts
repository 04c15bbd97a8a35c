const mark = '***';

/** Query parameters that are secrets, or say where one lies. */
const secretParameter = /((?:^|[?&\s])(?:password|sslpassword|sslkey|passfile|token)=)('(?:[^'\\]|\\.)*'|[^&\s]*(?:&(?![a-z_]+=)[^&\s]*)*)/gi;

/**
 * A connection URL without its secrets, for logs and errors. Never throws, also for what is no URL at all.
 * An unencoded `/`, `#`, `?` or `@` in a password is a common mistake and makes the URL mean something else,
 * so nothing is parsed here: all from the first colon of the authority up to the last @ counts as the password.
 */
export function redactUrl(url: string): string {
  const shown = url.replace(secretParameter, `$1${mark}`);
  const authority = /^([a-z][a-z0-9+.-]*:)?\/\//i.exec(shown)?.[0] ?? '';
  const at = shown.lastIndexOf('@');
  if (at < 0) return shown;
  const credentials = shown.slice(authority.length, at);
  const colon = credentials.indexOf(':');
  return colon < 0 ? shown : `${authority}${credentials.slice(0, colon)}:${mark}${shown.slice(at)}`;
}

/** How our own messages write a URL: nobody's secret. */
const example = 'postgres://user:password@host:';
/** A quote ends a URL, but before the last @ it may be part of the password. */
const urlInText = /\b[a-z][a-z0-9+.-]*:\/\/(?:\S*@)?[^\s"'`]*/gi;
/** A password outside a URL, as libpq and SQL write it: `password=secret`, `PASSWORD 'secret'`. */
const secretSetting = /\b((?:pg|ssl)?password(?:\s*=\s*|\s+(?=')))('(?:[^'\\]|\\.|'')*'|[^\s&,;)'"`]+)/gi;

/** The same for every connection URL, and every password by that name, inside a longer text, such as an error message. */
export function redactUrls(text: string): string {
  return text.replace(urlInText, (url) => (url.startsWith(example) ? url : redactUrl(url))).replace(secretSetting, `$1${mark}`);
}
