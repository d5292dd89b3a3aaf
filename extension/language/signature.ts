// Signature help: which parameter is being written.
import {
  MarkdownString,
  ParameterInformation,
  type Position,
  SignatureHelp,
  type SignatureHelpProvider,
  SignatureInformation,
  type TextDocument,
} from 'vscode';
import { signatureHelp } from '../../simulator/index.ts';
import { isTooLong } from './limits.ts';

export const signatureTriggers = ['(', ','] as const;

export class ScenarioSignatures implements SignatureHelpProvider {
  provideSignatureHelp(document: TextDocument, position: Position): SignatureHelp | null {
    if (isTooLong(document, position)) return null;
    const found = signatureHelp(document.getText(), position);
    if (found === null) return null;
    const signature = new SignatureInformation(found.label, new MarkdownString(found.doc));
    signature.parameters = found.parameters.map(
      ({ label, doc }) => new ParameterInformation([label[0], label[1]], new MarkdownString(doc)),
    );
    signature.activeParameter = found.activeParameter;
    const help = new SignatureHelp();
    help.signatures = [signature];
    help.activeSignature = 0;
    help.activeParameter = found.activeParameter;
    return help;
  }
}
