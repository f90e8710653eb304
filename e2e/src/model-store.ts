/** What a page of the mesh keeps of models, and where their bytes came from, read from outside. */
import type { Page } from '@playwright/test';

export interface StoredModel {
  content: string;
  /** By their names in the folder of the content. */
  sizes: Record<string, number>;
}

/** The folders of the store in the page's file system. */
export function storedModels(page: Page): Promise<StoredModel[]> {
  return page.evaluate(async () => {
    const found: { content: string; sizes: Record<string, number> }[] = [];
    const root = await navigator.storage.getDirectory();
    const models = await root.getDirectoryHandle('models', { create: true });
    for await (const [content, folder] of models.entries()) {
      if (!(folder instanceof FileSystemDirectoryHandle)) continue;
      const sizes: Record<string, number> = {};
      for await (const [name, file] of folder.entries()) {
        // When it was read or cut into chunks is of no importance; and some are gone as soon as the model is whole.
        if (!(file instanceof FileSystemFileHandle) || name === 'used' || name === 'chunks') continue;
        const found = await file.getFile().catch(() => null);
        if (found !== null) sizes[name] = found.size;
      }
      found.push({ content, sizes });
    }
    return found;
  });
}

/** Whether the page has cut one of its models into chunks, for whoever has an older version. */
export function hasChunks(page: Page): Promise<boolean> {
  return page.evaluate(async () => {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('models', { create: true });
    for await (const [, folder] of models.entries()) {
      if (!(folder instanceof FileSystemDirectoryHandle)) continue;
      const chunks = await folder.getFileHandle('chunks').catch(() => null);
      if (chunks !== null && (await chunks.getFile()).size > 0) return true;
    }
    return false;
  });
}

/** Files of models that lie beside the store, as they did before there was one. */
export function looseFiles(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('models', { create: true });
    const names: string[] = [];
    for await (const [name, { kind }] of models.entries()) if (kind === 'file') names.push(name);
    return names;
  });
}

/** The SHA-256 of a file of the first content, in hex. */
export function hashOf(page: Page, file: string): Promise<string> {
  return page.evaluate(async (name) => {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle('models');
    for await (const [, folder] of models.entries()) {
      if (!(folder instanceof FileSystemDirectoryHandle)) continue;
      const bytes = await (await (await folder.getFileHandle(name)).getFile()).arrayBuffer();
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    }
    return '';
  }, file);
}
