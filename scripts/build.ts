// `npm run build`: bundles everything into dist/. With --release: as the package has it.
import { bundle } from './bundle.ts';

try {
  for (const { file, bytes } of await bundle(process.argv.includes('--release') ? 'release' : 'development')) {
    console.log(`${file.padEnd(24)} ${(bytes / 1024).toFixed(1).padStart(8)} KB`);
  }
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
