// Stands for a compiler: the app can't be built before this package is.
import {mkdirSync, copyFileSync} from 'node:fs';

mkdirSync('dist', {recursive: true});
copyFileSync('source.js', 'dist/index.js');
