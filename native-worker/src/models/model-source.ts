/**
 * Where a model comes from, as a person writes it: `https://…`, `hf:user/model[:quant]`, `hf:user/model/file.gguf`, or
 * `mesh:<content id>` for what peers have, wherever else it may be.
 */
import { isContentId, type ContentId } from '@llmesh/core/base/ids';
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

export interface ContentSource {
  kind: 'content';
  content: ContentId;
}

/** What says which file it is. */
export type FileSource = UrlSource | HubFile | ContentSource;
export type ModelSource = FileSource | HubQuant;

const CONTENT = 'mesh:';
const REMOTE = /^(hf:|mesh:|https?:\/\/)/;
const HUB = /^hf:([\w.-]{1,96}\/[\w.-]{1,96})(?::([\w.-]{1,64})|\/([^#]{1,512})(?:#([\w./-]{1,96}))?)?$/;

/** Whether it has to be fetched at all, unlike a file or an id of the catalogue. */
export function isRemote(text: string): boolean {
  return REMOTE.test(text);
}

/** `text`: one that is `isRemote`. Throws model_not_found. */
export function parseModelSource(text: string): ModelSource {
  if (text.startsWith('hf:')) return parseHub(text);
  if (text.startsWith(CONTENT)) return parseContent(text);
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
export function sourceName(source: FileSource): string {
  if (source.kind === 'url') return source.url.href;
  if (source.kind === 'content') return `${CONTENT}${source.content}`;
  const { repository, file, revision } = source;
  return `hf:${repository}/${file}${revision === 'main' ? '' : `#${revision}`}`;
}

/** The name for messages and lists: what follows `?` may be a secret. */
export function shownSource(name: string): string {
  return name.startsWith('hf:') || name.startsWith(CONTENT) ? name : name.replace(/[?#].*$/, '');
}

/** Its last part, as "model.gguf". */
export function sourceFile(source: FileSource): string {
  if (source.kind === 'content') return 'model.gguf';
  const path = source.kind === 'url' ? decoded(source.url.pathname) : source.file;
  return path.slice(path.lastIndexOf('/') + 1);
}

function parseContent(text: string): ContentSource {
  const content = text.slice(CONTENT.length);
  if (isContentId(content)) return { kind: 'content', content };
  throw new MeshError(
    'model_not_found',
    `${text} names no model: after mesh: come the 64 letters and digits that "llmesh models" shows.`,
  );
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
