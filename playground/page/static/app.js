/** The page's entry point. */

import "./appearance.js";
import "./conversation.js";
import "./announce.js";
import "./sidebar.js";
import "./composer.js";
import "./mishaps.js";
import { connect } from "./state.js";

connect();
