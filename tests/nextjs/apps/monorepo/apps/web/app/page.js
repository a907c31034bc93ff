import Image from 'next/image';
import {sentence} from '@monorepo/words';

export const dynamic = 'force-dynamic';

export default function Page() {
  return <main>{sentence('monorepo', process.env.GREETING)} <Image src="/dot.png" alt="" width={64} height={64} /></main>;
}
