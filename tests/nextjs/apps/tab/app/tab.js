'use client';

import dynamic from 'next/dynamic';
import Link from 'next/link';
import { useState } from 'react';
import { words } from '../words';
import { greet } from './actions';

const Lazy = dynamic(() => import('./lazy'), { ssr: false });

export default function Tab({ sign }) {
  const [wants, setWants] = useState(false);
  const [said, setSaid] = useState({});
  const ask = (name, action) => async () => {
    const answer = await action();
    setSaid((before) => ({ ...before, [name]: answer }));
  };
  return (
    <main>
      <h1 id="page">{words}</h1>
      <button id="load" onClick={() => setWants(true)}>load</button>
      {wants && <Lazy />}
      <button id="greet" onClick={ask('greeted', () => greet('tab'))}>greet</button>
      <p id="greeted">{said.greeted}</p>
      <button id="sign" onClick={ask('signed', sign)}>sign</button>
      <p id="signed">{said.signed}</p>
      <Link id="away" href="/other" prefetch={false}>away</Link>
    </main>
  );
}
