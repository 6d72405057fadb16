/** The page's beginning. */

import "./conversation.js";
import "./sidebar.js";
import "./composer.js";
import "./mishaps.js";
import { connect } from "./state.js";

connect();
