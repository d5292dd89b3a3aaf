// Puts the parser's findings and the run's failures on their lines.
import { Diagnostic, type DiagnosticCollection, DiagnosticSeverity, type Disposable, languages, Range } from 'vscode';
import type { Diagnostic as Finding } from '../simulator/index.ts';
import { LANGUAGE } from './names.ts';
import { countFollowUps, problemsOf } from './run-problems.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** More than this nobody reads, and each costs the editor a marker. */
const MAX_DIAGNOSTICS = 500;

type TextRange = Finding['range'];

export class Diagnostics implements Disposable {
  private readonly collection: DiagnosticCollection;
  private readonly subscriptions: Disposable[];

  constructor(sessions: Sessions) {
    this.collection = languages.createDiagnosticCollection(LANGUAGE);
    this.subscriptions = [
      sessions.onDidOpen((session) => this.publish(session)),
      sessions.onDidClose((session) => this.collection.delete(session.document.uri)),
      sessions.onDidChange(({ session, change }) => {
        if (change !== 'busy') this.publish(session);
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.collection.dispose();
  }

  private publish(session: Session): void {
    const all = session.diagnostics.slice(0, MAX_DIAGNOSTICS).map(ofParser);
    if (session.obstacle === null) all.push(...ofRun(session).slice(0, MAX_DIAGNOSTICS));
    this.collection.set(session.document.uri, all);
  }
}

function ofParser(finding: Finding): Diagnostic {
  const severity = finding.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
  const diagnostic = new Diagnostic(toRange(finding.range), finding.message, severity);
  diagnostic.source = LANGUAGE;
  diagnostic.code = finding.code;
  return diagnostic;
}

function ofRun(session: Session): Diagnostic[] {
  const found: Diagnostic[] = [];
  const summaries = [...(session.timeline?.lineSummaries() ?? [])];
  const notRun = countFollowUps(summaries.map(([, { last }]) => last));
  for (const { code, range, message } of summaries.flatMap(([, summary]) => problemsOf(summary, notRun))) {
    const diagnostic = new Diagnostic(toRange(range), message, DiagnosticSeverity.Error);
    diagnostic.source = LANGUAGE;
    diagnostic.code = code;
    found.push(diagnostic);
  }
  return found;
}

export function toRange(range: TextRange): Range {
  return new Range(range.start.line, range.start.character, range.end.line, range.end.character);
}
