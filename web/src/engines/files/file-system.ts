/** The origin private file system. null where there is none: on pages that came over plain http, and in private windows of Firefox. */
export async function fileSystem(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return await navigator.storage.getDirectory();
  } catch {
    return null;
  }
}
