import Link from 'next/link';
import { words } from '../../words';

export default function Other() {
  return (
    <main>
      <h1 id="other">other of {words}</h1>
      <Link id="back" href="/" prefetch={false}>back</Link>
    </main>
  );
}
