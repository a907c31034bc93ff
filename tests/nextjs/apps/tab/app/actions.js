'use server';

import { words } from '../words';

export async function greet(name) {
  return `${name} greeted by ${words}`;
}
