import { describe, expect, it } from 'vitest';
import { meshAddress } from './mesh-address.ts';

describe('meshAddress', () => {
  it.each([
    ['http://localhost:7070', 'http://localhost:7070/'],
    ['localhost:7070', 'http://localhost:7070/'],
    ['192.168.1.20:7070/donate', 'http://192.168.1.20:7070/'],
    ['https://mesh.example.org/', 'https://mesh.example.org/'],
    ['http://[fd00::2]:7070', 'http://[fd00::2]:7070/'],
  ])('takes %s', (text, href) => expect(meshAddress(text).href).toBe(href));

  it.each([
    'http://mesh.example/llm',
    'https://mesh.example/v1',
    'mesh.example/donate/x',
    'http://ann:pw@mesh.example',
  ])('says of %s where the mesh would be', (text) =>
    expect(() => meshAddress(text)).toThrow(/use https?:\/\/mesh.example\./i),
  );

  it.each(['', 'ftp://mesh', 'http://', 'two words', 'mesh:99999'])('refuses "%s"', (text) => {
    expect(() => meshAddress(text)).toThrow(/address/);
  });
});
