/** Where a model comes from, as a person writes it: `https://…`, `hf:user/model[:quant]` or `hf:user/model/file.gguf`. */
import { MeshError } from '@llmesh/core/base/errors';

export interface UrlSource {
  kind: 'url';
  url: URL;
}

export interface HubFile {
  kind: 'hub-file';
  /** "user/model" */
  repository: string;
  revision: string;
  /** The path in the repository. */
  file: string;
}

export interface HubQuant {
  kind: 'hub-quant';
  repository: string;
  /** null: the hub's usual choice. */
  quant: string | null;
}

export type ModelSource = UrlSource | HubFile | HubQuant;

const REMOTE = /^(hf:|https?:\/\/)/;
const HUB = /^hf:([\w.-]{1,96}\/[\w.-]{1,96})(?::([\w.-]{1,64})|\/([^#]{1,512})(?:#([\w./-]{1,96}))?)?$/;

/** Whether it has to be fetched at all, unlike a file or an id of the catalogue. */
export function isRemote(text: string): boolean {
  return REMOTE.test(text);
}

/** `text`: one that is `isRemote`. Throws model_not_found. */
export function parseModelSource(text: string): ModelSource {
  if (text.startsWith('hf:')) return parseHub(text);
  if (!URL.canParse(text))
    throw new MeshError('model_not_found', `${text} is not an address. Check how it is written.`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new MeshError('model_not_found', 'An address with a password in it ends up in logs. Leave the password out.');
  }
  return { kind: 'url', url };
}

/** Checks a path that a hub names; null: no file of a repository has such a path. */
export function hubFile(repository: string, file: string): HubFile | null {
  return isPlainPath(file) && !file.includes('#') ? { kind: 'hub-file', repository, revision: 'main', file } : null;
}

/** The canonical name, the same for every way to write the source. */
export function sourceName(source: UrlSource | HubFile): string {
  if (source.kind === 'url') return source.url.href;
  const { repository, file, revision } = source;
  return `hf:${repository}/${file}${revision === 'main' ? '' : `#${revision}`}`;
}

/** The name for messages and lists: what follows `?` may be a secret. */
export function shownSource(name: string): string {
  return name.startsWith('hf:') ? name : name.replace(/[?#].*$/, '');
}

/** Its last part, as "model.gguf". */
export function sourceFile(source: UrlSource | HubFile): string {
  const path = source.kind === 'url' ? decoded(source.url.pathname) : source.file;
  return path.slice(path.lastIndexOf('/') + 1);
}

function parseHub(text: string): HubFile | HubQuant {
  const [, repository, quant, file, revision = 'main'] = HUB.exec(text) ?? [];
  if (repository === undefined || (file !== undefined && !isPlainPath(file))) {
    throw new MeshError(
      'model_not_found',
      `${text} names no model of Hugging Face. Write hf:user/model, hf:user/model:Q4_K_M or hf:user/model/file.gguf.`,
    );
  }
  if (file === undefined) return { kind: 'hub-quant', repository, quant: quant ?? null };
  return { kind: 'hub-file', repository, revision, file };
}

function isPlainPath(file: string): boolean {
  return file.split('/').every((part) => part !== '' && part !== '.' && part !== '..') && !/[\p{C}\\?]/u.test(file);
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    // It has a lone %, and makes as good a name as it is.
    return pathname;
  }
}
