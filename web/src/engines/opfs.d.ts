// What the origin private file system offers beyond TypeScript's DOM library: sync access is for workers only
// (https://fs.spec.whatwg.org), `move` is not in the standard yet and in every browser that has the file system.
interface FileSystemSyncAccessHandle {
  read(buffer: ArrayBufferView<ArrayBuffer>, options?: { at?: number }): number;
  write(buffer: ArrayBufferView<ArrayBuffer>, options?: { at?: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
  move(name: string): Promise<void>;
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}
