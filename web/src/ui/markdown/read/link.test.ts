import { describe, expect, it } from 'vitest';
import { leadOf } from './link.ts';

describe('where a link leads', () => {
  it('is not said twice', () => {
    expect(leadOf('https://a.example/x', 'https://a.example/x').leads).toBe('');
    expect(leadOf('https://a.example/x', 'a.example').leads).toBe('');
    expect(leadOf('mailto:me@a.example', 'me@a.example').leads).toBe('');
  });

  it('is said where the text does not', () => {
    expect(leadOf('https://a.example/x', 'a site')).toEqual({
      href: 'https://a.example/x',
      leads: 'a.example',
      warns: false,
    });
    expect(leadOf('https://a.example:8080/', 'a.example').leads).toBe('a.example:8080');
    expect(leadOf('mailto:me@a.example', 'write').leads).toBe('me@a.example');
    expect(leadOf('https://nodejs.org', 'Node.js')).toMatchObject({ leads: 'nodejs.org', warns: false });
  });

  it.each([
    ['https://evil.example/?d=1', 'your bank: https://bank.example'],
    ['https://evil.example', 'bank.example'],
    ['https://bank.example@evil.example/', 'https://bank.example'],
    ['https://bank.example.evil.example/', 'bank.example/login'],
    ['https://evil.example', 'bank\u200b.example'],
    ['https://xn--pple-43d.com', 'аpple.com'],
    ['https://evil.example', 'www.bank.co.uk'],
  ])('is a warning where the text names another: %s as %s', (target, text) => {
    const { leads, warns } = leadOf(target, text);
    expect(warns).toBe(true);
    expect(leads).toContain(`opens ${new URL(target).host}`);
  });

  it('does not warn of a part of the same site', () => {
    expect(leadOf('https://www.a.example/x', 'a.example')).toMatchObject({ leads: 'www.a.example', warns: false });
  });

  it('says how much an address carries away', () => {
    const long = `https://a.example/?d=${'x'.repeat(200)}`;
    expect(leadOf(long, 'more').leads).toBe('opens a.example with 204 characters added');
    expect(leadOf(long, 'a.example').leads).toBe('opens a.example with 204 characters added');
    expect(leadOf(long, long).leads).toBe('');
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc',
    '//a.example',
    '/x',
    '#x',
    'x.md',
    'https://',
    '',
  ])('is nowhere: %s', (target) => {
    expect(leadOf(target, 'x').href).toBeNull();
  });
});
