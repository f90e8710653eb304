/** Files that are dropped anywhere on the page, or pasted into the box. */

export interface AcceptFiles {
  take: (files: readonly File[]) => void;
  /** Whether files are being held over the page. */
  over: (isOver: boolean) => void;
}

/** Returns how to stop. While a dialog is open, the page takes none. */
export function acceptFiles(box: HTMLTextAreaElement, { take, over }: AcceptFiles): () => void {
  const listening = new AbortController();
  const { signal } = listening;

  const holdsFiles = ({ dataTransfer }: DragEvent) =>
    dataTransfer?.types.includes('Files') === true && document.querySelector('dialog[open]') === null;

  const held = (event: DragEvent) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    over(true);
  };
  addEventListener('dragenter', held, { signal });
  addEventListener('dragover', held, { signal });
  // Where it leaves the window it goes to nothing.
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget === null && over(false), { signal });
  addEventListener(
    'drop',
    (event) => {
      over(false);
      if (!holdsFiles(event)) return;
      event.preventDefault();
      take([...(event.dataTransfer?.files ?? [])]);
    },
    { signal },
  );
  box.addEventListener(
    'paste',
    (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      // A table program pastes a picture of what it also pastes as text.
      if (files.length === 0 || event.clipboardData?.types.includes('text/plain')) return;
      event.preventDefault();
      take(files);
    },
    { signal },
  );
  return () => listening.abort();
}
