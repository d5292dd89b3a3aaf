/** The page that carries the view: a root element, one script, one style sheet, and nothing else. */

export interface WebviewHtmlOptions {
  /** `webview.cspSource`. */
  readonly cspSource: string;
  /** A fresh random string of letters and digits for each page. */
  readonly nonce: string;
  /** `dist/webview.js`, through `asWebviewUri`. */
  readonly scriptUri: string;
  /** `dist/webview.css`, with `codicon.ttf` beside it. */
  readonly styleUri: string;
}

/** The HTML of the view. All data comes later, by messages. */
export function webviewHtml(options: WebviewHtmlOptions): string {
  const csp = [
    `default-src 'none'`,
    `style-src ${options.cspSource}`,
    `font-src ${options.cspSource}`,
    `script-src 'nonce-${options.nonce}'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${attribute(csp)}">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="${attribute(options.styleUri)}">
<title>Page tables</title>
</head>
<body>
<div id="root"></div>
<script nonce="${attribute(options.nonce)}" src="${attribute(options.scriptUri)}"></script>
</body>
</html>
`;
}

function attribute(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
}
