import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { homeFolder } from './home-folder.ts';
import { localPath, pathIn } from './local-path.ts';

describe('a path as people write it', () => {
  it.runIf(process.platform !== 'win32')('is in their home, or an address, or as it stands', () => {
    expect(localPath('~/models/x.gguf')).toBe(path.join(os.homedir(), 'models/x.gguf'));
    expect(localPath('file:///srv/my%20model.gguf')).toBe('/srv/my model.gguf');
    expect(() => localPath('file://elsewhere/x.gguf')).toThrow(expect.objectContaining({ code: 'model_not_found' }));
    for (const as of ['llmesh-tiny', 'x~/y.gguf', '~other/x.gguf', 'hf:user/model:Q4_K_M', '/srv/x.gguf']) {
      expect(localPath(as)).toBe(as);
    }
  });

  it.runIf(process.platform !== 'win32')('in a file is beside that file, and an id or a source is not a path', () => {
    expect(pathIn('/etc/llmesh', 'x.gguf')).toBe('/etc/llmesh/x.gguf');
    expect(pathIn('/etc/llmesh', '../models/x')).toBe('/etc/models/x');
    expect(pathIn('/etc/llmesh', '~/x.gguf')).toBe(path.join(os.homedir(), 'x.gguf'));
    for (const as of ['llmesh-tiny', 'lookup', 'hf:user/model/x.gguf', 'https://a.example/x.gguf', '/srv/x.gguf']) {
      expect(pathIn('/etc/llmesh', as)).toBe(as);
    }
  });
});

describe.skipIf(process.platform === 'win32')('a home', () => {
  it('is never the current folder: without HOME it is that of the account, or none', () => {
    expect(homeFolder({ HOME: '/home/ada' })).toBe('/home/ada');
    for (const HOME of ['', 'home', undefined]) {
      expect(homeFolder({ HOME }, () => '/home/of-passwd')).toBe('/home/of-passwd');
      expect(() => homeFolder({ HOME }, () => '')).toThrow(expect.objectContaining({ code: 'identity_unusable' }));
    }
  });
});
