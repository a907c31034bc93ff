// Every release of the tests changes this, so that each is another build.
export const words = 'release 0';
