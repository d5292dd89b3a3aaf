// Entry of the headless runner.
process.stdout.write('usage: vas run|check|maps|smaps|translate FILE …\n');
