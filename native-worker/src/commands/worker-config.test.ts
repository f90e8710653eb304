import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { argumentsOf, configArguments, CONFIG_FILE, ConfigError, withConfig } from './worker-config.ts';

const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-config-'));
const file = path.join(data, CONFIG_FILE);
afterAll(() => rmSync(data, { recursive: true }));
beforeEach(() => rmSync(file, { force: true }));

const worker = () =>
  new Command('worker')
    .exitOverride()
    .option('--model <model>', '', (text, before?: string[]) => [...(before ?? []), text])
    .option('--slots <n>', '', (text) => {
      if (/^\d+$/.test(text)) return Number(text);
      throw new InvalidArgumentError('It must be a whole number.');
    })
    .addOption(new Option('--gpu <kind>').choices(['auto', 'off']))
    .option('--on-battery')
    .option('--audit', '', true)
    .option('--no-audit')
    .option('--config <file>')
    .option('--data <folder>');

/** What the command is called with. */
async function read(config: unknown, ...args: string[]) {
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  const command = worker();
  const [, ...all] = await withConfig(['worker', '--data', data, ...args], command);
  return command.parse(all, { from: 'user' }).opts();
}

describe('worker.json', () => {
  it('sets every flag by its name', async () => {
    const config = { model: ['-odd name', 'b'], slots: 2, gpu: 'off', 'on-battery': true };
    expect(await read(config)).toEqual({
      data,
      model: ['-odd name', 'b'],
      slots: 2,
      gpu: 'off',
      onBattery: true,
      audit: true,
    });
    expect(await read({ 'on-battery': false })).toEqual({ data, audit: true });
    expect(await read({ audit: false })).toEqual({ data, audit: false });
    expect(await read({ audit: false }, '--audit')).toEqual({ data, audit: true });
  });

  it.runIf(process.platform !== 'win32')('names files beside itself, in the home, and by their address', async () => {
    const model = ['m.gguf', './m', '~/m.gguf', 'file:///srv/m.gguf', 'llmesh-tiny', 'hf:user/m.gguf'];
    const [beside, here, home] = [path.join(data, 'm.gguf'), path.join(data, 'm'), path.join(os.homedir(), 'm.gguf')];
    expect((await read({ model }))['model']).toEqual([
      beside,
      here,
      home,
      '/srv/m.gguf',
      'llmesh-tiny',
      'hf:user/m.gguf',
    ]);
  });

  it('is read as editors of Windows write it', async () => {
    const text = '{"slots":3}';
    const marked = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const bytes of [Buffer.from(`\ufeff${text}`), marked, Buffer.from(marked).swap16()]) {
      writeFileSync(file, bytes);
      expect(await configArguments(['--data', data], worker().options)).toEqual(['--slots=3']);
    }
  });

  it.runIf(process.platform !== 'win32')('is not waited for where it is a pipe', async () => {
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    await expect(configArguments(['--data', data], worker().options)).rejects.toThrow('not a file');
  });

  it('gives way to the command line, flag by flag', async () => {
    const config = { model: ['a', 'b'], slots: 2 };
    expect(await read(config, '--slots', '3', '--model', 'c')).toEqual({ data, model: ['c'], slots: 3, audit: true });
    expect(await read({ model: 'a' })).toEqual({ data, model: ['a'], audit: true });
    expect(await read(config, '--slots=4')).toMatchObject({ slots: 4 });
  });

  it.each([
    ['an unknown setting', { slotz: 2 }, '"slotz"'],
    ['another file', { config: 'x' }, '"config"'],
    ['a value that the flag refuses', { slots: 'many' }, 'whole number'],
    ['a choice that does not exist', { gpu: 'steam' }, 'auto'],
    ['a list for one value', { slots: [1] }, '"slots"'],
    ['no value', { slots: null }, '"slots"'],
    ['a text for a switch', { 'on-battery': 'yes' }, 'true or false'],
    ['no JSON', '{slots: 2}', 'not a JSON object'],
    ['no object', '[]', 'not a JSON object'],
    ['far too much', ' '.repeat(70_000), 'larger'],
  ])('refuses %s by name', async (_, config, word) => {
    const refused = read(config);
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(word);
    await expect(refused).rejects.toThrow(file);
  });

  it('refuses an unknown setting that has the name of something in every object', () => {
    expect(() => argumentsOf(JSON.parse('{"__proto__": 1}'), worker().options, new Set(), 'f')).toThrow(ConfigError);
    expect(() => argumentsOf({ constructor: 1 }, worker().options, new Set(), 'f')).toThrow(ConfigError);
  });

  it('is wanted only where it was named, and only by a worker that starts', async () => {
    expect(await withConfig(['worker', '--data', data], worker())).toEqual(['worker', '--data', data]);
    const missing = path.join(data, 'none.json');
    await expect(withConfig(['worker', '--config', missing], worker())).rejects.toThrow(missing);
    writeFileSync(file, '{"slotz": 1}');
    expect(await withConfig(['status', '--data', data], worker())).toEqual(['status', '--data', data]);
    expect(await withConfig(['worker', 'logs', '--data', data], worker())).toHaveLength(4);
  });
});
