// The samples as files of a file system of their own: each opening is a copy that can be changed, none is on a disk.
import {
  Disposable,
  type Event,
  EventEmitter,
  type FileChangeEvent,
  type FileStat,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  Uri,
  workspace,
} from 'vscode';
import { SAMPLE_SCHEME } from './names.ts';

/**
 * The URI of a new copy of a sample. VS Code keeps the text of a document that was closed for a while, under its URI: so
 * none comes twice, not in another window either. @param name of the file, with `.vas`
 */
export function newCopyUri(name: string): Uri {
  const now = Date.now();
  lastCopy = Math.max(now, lastCopy + 1);
  return Uri.from({ scheme: SAMPLE_SCHEME, path: `/${lastCopy.toString(36)}/${name}` });
}

let lastCopy = 0;

/** Reads `/ANY/NAME.vas` from the extension's `samples/NAME.vas`. Nothing can be written: a changed copy is saved elsewhere. */
export class SampleFiles implements FileSystemProvider {
  private readonly folder: Uri;
  private readonly emitter = new EventEmitter<FileChangeEvent[]>();
  readonly onDidChangeFile: Event<FileChangeEvent[]> = this.emitter.event;

  constructor(extensionUri: Uri) {
    this.folder = Uri.joinPath(extensionUri, 'samples');
  }

  readFile(uri: Uri): Thenable<Uint8Array> {
    const [, , name] = uri.path.split('/');
    if (name === undefined || !/^[\w-]+\.vas$/.test(name)) throw FileSystemError.FileNotFound(uri);
    return workspace.fs.readFile(Uri.joinPath(this.folder, name));
  }

  async stat(uri: Uri): Promise<FileStat> {
    const { length } = await this.readFile(uri);
    return { type: FileType.File, ctime: 0, mtime: 0, size: length };
  }

  watch(): Disposable {
    return new Disposable(() => undefined);
  }

  readDirectory(uri: Uri): never {
    throw FileSystemError.FileNotADirectory(uri);
  }

  writeFile(): never {
    throw FileSystemError.NoPermissions('a sample stays as it is. Save As puts your copy wherever you like');
  }

  createDirectory(uri: Uri): never {
    throw FileSystemError.NoPermissions(uri);
  }

  delete(uri: Uri): never {
    throw FileSystemError.NoPermissions(uri);
  }

  rename(uri: Uri): never {
    throw FileSystemError.NoPermissions(uri);
  }
}
