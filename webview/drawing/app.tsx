/** The whole view: header, address, walk, memory, story. */
import { useRef, useState } from 'preact/hooks';
import type { Post } from '../host.ts';
import { nothingToWalk, type View } from '../model/view.ts';
import type { FrameColouring } from '../protocol.ts';
import { WalkEnd } from './access.tsx';
import { AddressBar } from './address-bar.tsx';
import { Header } from './header.tsx';
import { useKeptFocus } from './hooks.ts';
import { Icon } from './icon.tsx';
import { Memory } from './memory.tsx';
import { type Light, NO_LIGHT, Story } from './story.tsx';
import { Walk } from './walk.tsx';

interface AppProps {
  readonly view: View;
  readonly colouring: FrameColouring;
  readonly onColour: (colouring: FrameColouring) => void;
  readonly post: Post;
}

export function App({ view, colouring, onColour, post }: AppProps) {
  const [level, setLevel] = useState<string | null>(null);
  const [light, setLight] = useState<Light>(NO_LIGHT);
  const main = useRef<HTMLElement>(null);
  useKeptFocus(main);
  const { shown, notice } = view;
  if (shown === null) return <Blank text={view.empty ?? 'Waiting for the scenario…'} />;
  return (
    <main class="app" ref={main}>
      <h1 class="visually-hidden">Page tables of {shown.scenario.name}</h1>
      <Header shown={shown} notice={notice} post={post} />
      {notice?.about === 'general' && (
        <p class={`notice notice-${notice.severity}`} role="alert">
          <Icon name={notice.severity} /> {notice.message}
        </p>
      )}
      <div class="body">
        <div class="translation">
          {shown.walk === null ? (
            <Blank text={nothingToWalk(shown)} />
          ) : (
            <>
              <AddressBar walk={shown.walk} lit={level} onLight={setLevel} />
              <Walk walk={shown.walk} lit={level} onLight={setLevel} post={post}>
                <WalkEnd walk={shown.walk} post={post} />
              </Walk>
            </>
          )}
          <Story shown={shown} onLight={setLight} post={post} />
        </div>
        <Memory view={view} light={light} colouring={colouring} onColour={onColour} post={post} />
      </div>
    </main>
  );
}

function Blank({ text }: { text: string }) {
  return <p class="blank">{text}</p>;
}
