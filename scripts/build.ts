// `npm run build`: bundles everything into dist/.
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { root } from './paths.ts';

const flavour = process.argv.includes('--release') ? 'release' : 'development';
for (const { file, bytes } of await bundle(flavour)) {
  console.log(`${file.padEnd(24)} ${(bytes / 1024).toFixed(1).padStart(8)} KB`);
}
await chmod(join(root, 'dist/vas.cjs'), 0o755);
