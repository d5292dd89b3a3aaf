// `npm run package`: builds for release and makes the .vsix; a package over its budget is an error.
import { bundle } from './bundle.ts';
import { makePackage } from './vsix.ts';

try {
  await bundle('release');
  const { file, bytes, budget } = await makePackage();
  console.log(`${file}: ${(bytes / 1024).toFixed(1)} KB of at most ${budget / 1024} KB`);
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
