import Image from 'next/image';
import Link from 'next/link';
import mountains from '../public/mountains.jpg';
import Counter from './counter';

export default function Home() {
  return (
    <main>
      <h1>It runs</h1>
      <p>This page was put here by provision: built once, started by systemd, served through nginx.</p>
      <Image src={mountains} alt="Mountains at dusk" sizes="(max-width: 720px) 100vw, 720px" priority />
      <Counter />
      <ul>
        <li><Link href="/news">A page that is made anew every 10 seconds</Link></li>
        <li><a href="/about">A page of the pages router, rendered for each request</a></li>
        <li><a href="/api/health">Health, with the build that answers</a></li>
        <li><a href="/api/slow?ms=1500">An answer that takes its time</a></li>
      </ul>
    </main>
  );
}
