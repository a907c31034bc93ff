import { words } from '../words';
import Tab from './tab';

export const dynamic = 'force-dynamic';

export default function Home() {
  // Next.js puts what an action closes over into the page, encrypted.
  const made = `made by ${words}`;
  async function sign() {
    'use server';
    return `${made}, signed by ${words}`;
  }
  return <Tab sign={sign} />;
}
