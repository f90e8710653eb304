// @vitest-environment node
import { expect, it } from 'vitest';
import { matchesSri } from './sri.ts';

/** `printf beads | openssl dgst -binary -<name> | base64` */
const DIGESTS = {
  sha256: 'XCMJ0t6LSpL0AZ1kmNDt/xu8J9yxPw/8MvYAMVH4bAQ=',
  sha384: '0GDVMkZ4Le6LVbBvkCFWb/6dTbth1QvTe0rqLxLlGrggtxwhNna515QravhcgrhH',
  sha512: 'c56dhf1EFAGGed5I2Tkn1ZQNZMFqT/O6HM4VAGy0rBQFsWUuT8dITA4RUbWM9W0R2oxslx+7wCvIScjf0cfXlw==',
};

it('matches the three algorithms of SRI, and nothing else', async () => {
  const bytes = new TextEncoder().encode('beads').buffer;
  for (const [name, digest] of Object.entries(DIGESTS)) {
    expect(await matchesSri(bytes, `${name}-${digest}`)).toBe(true);
    expect(await matchesSri(bytes, `${name}-${digest.slice(1)}`)).toBe(false);
  }
  expect(await matchesSri(bytes, 'md5-x')).toBe(false);
  expect(await matchesSri(bytes, '')).toBe(false);
});
