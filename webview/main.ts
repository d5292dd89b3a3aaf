// Entry of the page-table view, bundled into one script for the webview.
document.body.dataset['ready'] = 'true';
