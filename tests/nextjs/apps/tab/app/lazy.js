'use client';

import { words } from '../words';

export default function Lazy() {
  return <p id="lazy">lazy of {words}</p>;
}
