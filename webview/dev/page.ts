/** Entry of the development page: the view, with a pretended host that must be there first. */
import './pretended-host.ts';
import '../main.ts';
