# Everything Darkroom says, in English. See __init__.py beside this file.

### Errors

error-invalid = `{ $field }` must be { $bound }.
error-unreadable = I do not understand { $value }.
error-checkpoint = I cannot use that checkpoint: { $reason }.
error-adapter = I cannot use “{ $name }”: { $reason }.
error-too-large = That picture is too large for this machine. Try a smaller size.
error-step-failed = The sampler failed with these settings. Try another sampler or another number of steps.
error-not-checked = That picture could not be checked, so I am not showing it. Please tell the server's owner.
error-cancelled = That job was cancelled.
error-worker-died = The worker stopped twice while drawing this. Please try another prompt.
error-store-busy = My database is busy right now; please try again in a moment.
error-store-full = My disk is full, so I cannot accept anything new. Please tell the server's owner.
error-store-read-only = I am not allowed to write to my disk right now. Please tell the server's owner.
error-store-failing = My disk is not working properly right now. Please tell the server's owner.
error-store-damaged = My database is damaged and has to be restored. Please tell the server's owner.
error-store = My database cannot be used right now. Please tell the server's owner.
error-interrupted = This job failed, and I was stopped before I could say why. Please ask again.
error-not-posted = The pictures are drawn, but Discord does not let me post them: { $why }. They are kept in `/history`.
error-answer-refused = Discord does not let me answer here: { $why }. Nothing was drawn.
error-discord = Discord did not let me finish that: { $why }. Please try again.
error-permissions = You need { $needed }.
error-server-unknown = Discord has not told me about this server's roles yet. Please try again in a minute.
error-server-only = That only works in a server.
error-message-gone = The message that you used is gone.
error-command-gone = That command no longer exists. Please try again in a moment.
error-command-changed = That command has changed. Please try again in a moment.
error-unforeseen = Something broke (ref { $reference }).
error-not-allowed-here = I need { $missing } here to post pictures.
error-queue-full =
    The queue is full: { $waiting ->
        [one] 1 job is
       *[other] { $waiting } jobs are
    } waiting. Try again in a few minutes.
error-queue-share =
    This server has used up its share of the queue: { $waiting ->
        [one] 1 job
       *[other] { $waiting } jobs
    } waiting. Try again when some of them are done.
error-no-direct-messages = I do not generate pictures in direct messages. Ask me in a server.
error-no-user-installs = I only work in servers that have invited me.
error-waiting =
    You have { $waiting ->
        [one] 1 job
       *[other] { $waiting } jobs
    } waiting{ $asked ->
        [1] ;
       *[other] {" "}and asked for { $asked } more;
    } one person may have { $most }. Wait until one is done, or cancel one.
error-too-many-jobs = That makes more than { $most } jobs, the most you can ask for at once.
error-parameters-unknown = I do not know { $unknown }. I know { $known }.
error-parameters-more = { $more } more
error-parameter-near = `--{ $name }` (did you mean `--{ $near }`?)
error-job-unknown = I cannot find that job.
error-job-ended = That job has already ended.
error-job-open = That job is still in progress. Cancel it, or wait until it is done.
error-jobs-open = Some of your jobs are still in progress. Cancel them first, in every server.
error-not-yours = Only the person who asked for it, or a moderator, can do that.
error-no-words = That picture was uploaded, so there is no prompt to make another one from.
error-picture-count =
    That job has { $count ->
        [one] 1 picture
       *[other] { $count } pictures
    }.
error-held-back = That picture was held back by the rules here.
error-button-unknown = That button no longer works.
error-button-foreign = I have no record of the picture that this button belongs to. My database was replaced, or restored from a backup, after I made it.
error-page-old = That message is too old for its buttons. Please use the command again.
error-form-unknown = That form no longer works. Please open it again.
error-file-elsewhere = `{ $field }` is not a file on Discord, and I only fetch files from there.
pending-over = ✖️ It did not work.
error-file-gone = The file of `{ $field }` is not at that address any more. Discord's addresses of files work for a day; copy a new one.
error-file-late = Discord did not send me `{ $field }` in time. Please try again.
error-direct-closed = Discord does not let me message you. Allow direct messages in this server's privacy settings, or find the files under Details.
error-picture-not-stored = That picture is not stored any more. Reroll makes new ones.
error-pictures-not-stored = Those pictures are not stored any more. Reroll makes new ones.
error-blocked = Moderators blocked you { $end }.
error-blocked-because = Moderators blocked you { $end }: { $reason }
error-job-removed = That job was removed.
error-carried-out = That job was made in an age-restricted channel, so I cannot send you someone else's pictures from it by direct message.
error-words-not-kept = The prompt of that job is not stored any more.
error-prompt-refused = The rules here do not allow that prompt.
error-filters-full = There are already { $most } filters here, the most there can be. Remove one first.
error-filters-regex-full = With this one, there would be more than { $most } regular expressions here, or their total size would be too large. Remove one first.
error-filter-stands = That filter already exists. Remove it first to give it another action or strictness.
error-no-filter = There is no such filter here. `/mod filter list` shows their numbers.
error-owners-only = Only the owners of this bot can do that for every server.
error-block-yourself = You cannot block yourself.
error-block-bot = I cannot block myself.
error-block-moderator = They are a moderator here too; only the server's owner can block them.
error-not-blocked = They are not blocked here.
error-cancel-what = Give either a `job` or a `person`.
error-message-stays = The files are deleted, but Discord does not let me touch the message: { $why }.
error-place-closed = Pictures are not allowed in this channel.
error-place-elsewhere = Pictures are not allowed in this channel, but they are in { $channels }.
error-role-needed = Pictures here are for people with one of these roles: { $roles }.
error-quota-pictures =
    { $limit ->
        [0] You cannot ask for pictures in this server.
       *[other] You asked for { $used } of { $limit } pictures today in this server, and this would be { $asked ->
            [one] one
           *[other] { $asked }
        } more. The quota resets { $back } (UTC).
    }
error-ceiling-pictures =
    You may ask for { $limit ->
        [one] 1 picture
       *[other] { $limit } pictures
    } a day across all servers and direct messages, and this would be more. The quota resets { $back } (UTC).
error-ceiling-seconds =
    You have used up today's { $limit ->
        [one] second
       *[other] { $limit } seconds
    } of device time across all servers and direct messages. The quota resets { $back } (UTC).
error-quota-seconds = You have used up today's { $limit } seconds of device time in this server. The quota resets { $back } (UTC).

# What a field must be: these end the sentence "`steps` must be …".
bound-decodable = a picture that can be decoded within a few seconds
bound-whole = a whole number, { $least } to { $most }
bound-number = a number, { $least } to { $most }
bound-strength = a number greater than 0 and at most 1
bound-control-alone = left out when there is no `{ $option }`
bound-control-needed = given when there is a `control_image`
bound-control-image-needed = a picture, given when there is a `control`
bound-reference-needed = a picture, given when there is a `reference_weight`
bound-reference-none = left out with { $checkpoint }: there is no IP-Adapter for it here
bound-strength-alone = left out when there is no `image`
bound-characters = { $least } to { $most } characters
bound-truth = true or false
bound-listed = at most { $most } names of LoRAs
bound-roles = 1 to { $most } roles
bound-strictness = spoiler or refuse: Discord requires an age restriction for more
bound-one-of = one of { $names }
bound-one-of-here = one of { $names } here
bound-one-of-with = one of { $names } with { $checkpoint }
bound-near = near one of { $names }
bound-with-value = followed by its value, as in { $example }
bound-typed = { $bound }, as in { $example }; you wrote { $piece }
bound-once = given once
bound-braces = written with a {"}"} for every {"{"}, or with \{"{"} and \{"}"} for the characters themselves; look at { $piece }
bound-one-prompt = a single prompt: braces and `--repeat` make several
bound-duration = like `3d 12h`, from one minute to five years, or `for good`
bound-still-stored = a picture that is still stored
bound-image-prompt = a picture whose file has a prompt
bound-image-words = a picture whose prompts have at most { $most } characters
bound-choice = one of the choices
bound-most = at most { $most } here: this server allows no more
bound-side = at most { $most } pixels on the longer side here: this server allows no more
bound-negative = at most { $most } characters here: this server adds its own negative prompt
bound-file = at most { $most } MiB
# Errors of generation/: what a field "must be", and what is wrong with a checkpoint (its own English is in phrases.py)
bound-between = { $least } to { $most }
bound-characters-most = at most { $most } characters
bound-characters-with-style = at most { $most } characters with the style { $style }
bound-checkpoint-name = a name from the catalog
bound-multiple = a multiple of { $of }
bound-weights = written with weights from 0 to { $most }; “{ $piece }” weighs { $weight }. Write `\(` and `\)` for brackets themselves
bound-adapters = written with at most { $most } LoRAs
bound-adapters-memory = LoRAs that together take at most { $most } MiB
bound-adapters-once = written with each LoRA once
bound-adapter-name = written with LoRA names of { $least } to { $most } characters
bound-adapters-written = written as `name:0.8`, with commas between several
bound-adapter-typable = 1 to { $most } characters without `<`, `>` and `:`
bound-trigger-words = at most { $most } texts of 1 to { $length } characters
bound-adapter-weight = written with LoRA weights from { $least } to { $most }, as in `<lora:name:0.8>`; “{ $name }” has “{ $weight }”
bound-prompt-texts = a prompt that changes into at most { $most } different texts while it is drawn, fewer of `[one|other]` and `[from:to:when]`
bound-strength-needed = greater than 0 and at most 1 when there is an image
bound-strength-steps = at least { $least } with { $steps } steps
bound-zoom-or-sides = given, or else pixels to add on some sides: one of the two
bound-mask-given = a picture whose light parts are redrawn, unless parts of the image itself are transparent
bound-shape-masked = left as it is: only a part of this picture is drawn
bound-strength-mask = greater than 0 and at most 1 when there is a mask
bound-feather-needed = a number of pixels from 0 to { $most } when there is a mask
bound-mask-needed = given when there is a feather
bound-mask-size = a greyscale PNG of { $width }×{ $height } px
bound-mask-words = at most { $most } things, with commas between them
bound-mask-once = left out when there is a mask
bound-mask-empty = white where the picture is to change; it is black everywhere
bound-mask-full = black where the picture is to stay; it is white everywhere
bound-canvas = { $least } to { $most } px; this canvas would have { $found }
bound-canvas-more = more than the picture: nothing would be added
bound-tiling = left out with { $family }, whose pictures have edges
bound-hires = a factor from 1 to { $fits } for { $width } × { $height } px: { $most } px is the most
bound-controls-written = written as `canny:0.8` or `canny:0.8:0-0.5`, with commas between up to { $most }
bound-controls-window = written with a part of the steps from 0 to 1, such as `canny:0.8:0-0.5`
bound-controls = at most { $most } controls
bound-control-end = greater than its start, { $start }, and at most 1
bound-references = at most { $most } references
bound-pictures = one picture for each: { $count }
bound-image-needed = given when there is a strength
bound-image-size = an RGB PNG of { $width }×{ $height } px
bound-image-side = at least 1 px on each side
bound-image-png = a complete PNG file
bound-image-file = a complete PNG, JPEG, WebP, AVIF or HEIC file
bound-image-other = a PNG, JPEG, WebP, AVIF or HEIC file, not { $found }
bound-image-scans = a JPEG with at most { $most } scans
bound-image-pixels = at most { $most } megapixels
bound-image-webp = at most { $most } megapixels as { $format }
bound-image-aspect = at most { $most } times as long as it is wide
bound-image-text = a picture with at most { $most } characters of text
bound-image-smaller = a smaller picture
bound-image-upscale = at most { $most } px on each side to be upscaled
bound-either = { $names }
bound-factor-here = { $names } for { $width } × { $height } px: { $most } px is the most
bound-style-name = { $least } to { $most } characters, and not { $taken }
bound-style-prompt = a text that contains { $place } once and no other braces
bound-no-shift = left out: { $family } has none
bound-without-lcm = a sampler other than { $sampler } unless lcm = true
adapter-kind = { $file } is { $what }, not a LoRA
adapter-other-family = { $file } was made for { $made }, not for { $wanted }
adapter-does-not-fit = { $file } does not fit { $wanted }: most of its layers are others
adapter-not-drawn = { $file } was made for { $family }, which is not supported
adapter-no-family = { $file } does not say what it was made for, and fits nothing that is supported
adapter-size = { $file } holds more than { $most } MiB
adapter-family-here = it was made for { $made }, and the checkpoint { $checkpoint } is of { $wanted }
bound-control-memory = control nets that together take at most { $most } MiB
bound-reference-memory = references whose models together take at most { $most } MiB
bound-control-image = a complete PNG of at most { $most } px on each side
control-none = there is none for { $wanted } here
control-not-listed = not among those here; the most similar names are { $names }
control-unsupported = { $file } is { $what }, which is not supported
control-lllite = a ControlNet-LLLite
control-t2i = a T2I-Adapter
control-lora = a Control-LoRA
control-other = a ControlNet of another family
control-does-not-fit = { $file } does not fit this checkpoint: { $name } is { $found } instead of { $wanted }
reference-face = { $file } needs a face's embedding, which Darkroom does not make
reference-encoder = { $file } needs an image encoder whose embeddings are { $width } wide, and none lies in the folders
reference-lacks = { $file } lacks { $name }
adapter-not-listed = not among the LoRAs here
adapter-near = not among the LoRAs here; the most similar names are { $names }
adapter-not-found = it has no source, and no LoRA of this name is in the folders of models
embedding-pickled = { $file } is pickled and may contain code, so it is refused; this converts it: { $command }
embedding-kind = { $file } is { $what }, not an embedding
embedding-does-not-fit = { $file } does not fit the text encoders of { $wanted }
embedding-length = { $file } holds more than { $most } vectors
embedding-not-finite = { $file } is damaged: it holds values that are no numbers
checkpoint-not-listed = not in the catalog, which has { $names }
checkpoint-not-among = not in the catalog; `/checkpoints` lists all { $count }
checkpoint-near = not in the catalog of { $count }; the most similar names are { $names }
checkpoint-none-here = not in the catalog, which has none for this place
checkpoint-file = { $file }: { $why }
checkpoint-file-missing = no such file: { $file }
checkpoint-folder-missing = no such folder: { $folder }
checkpoint-lacks = { $folder } lacks { $names }
checkpoint-other-pipeline = { $file } names { $found } instead of a { $wanted }
checkpoint-pickled = pickled weights are refused; safetensors only ({ $folder } has { $names } and no { $wanted })
checkpoint-pickled-file = pickled weights are refused; safetensors only, not { $file }
checkpoint-no-weight-map = { $file } has no weight_map
checkpoint-shard = { $file } names { $shard }; safetensors only, beside it
checkpoint-no-json = { $file } is not valid JSON
checkpoint-no-object = { $file } is not a JSON object
checkpoint-no-safetensors = { $file } is not a safetensors file
checkpoint-cut-short = { $file } is cut short in its header
checkpoint-empty = { $file } is empty
checkpoint-truncated =
    { $file } is truncated: { $count ->
        [one] 1 byte is
       *[other] { $count } bytes are
    } missing
checkpoint-too-long =
    { $file } is { $count ->
        [one] 1 byte
       *[other] { $count } bytes
    } too long
checkpoint-damaged = { $file } is damaged: its header is wrong about { $key }
checkpoint-header = { $file } has a header of more than { $most } MiB, which is not read
checkpoint-parts = { $file } lacks { $names }, and no file beside it has them
checkpoint-part-lacks = its { $part } lacks { $name }
checkpoint-shape = its { $name } is { $found } instead of { $wanted }
checkpoint-scale = its { $name } has { $count } factors, which is neither one nor one for each row
checkpoint-other-family = { $file } is a { $found } model, and its family is said to be { $wanted }
checkpoint-other-config = { $file } has weights of { $found }, and { $folder } describes { $wanted }
checkpoint-impostor = { $file } is not a safetensors file but { $what }
content-lfs = a pointer of Git LFS; run git lfs pull
content-page = a web page; download it again
content-pickle = pickled weights, which are refused
content-gguf = a GGUF file
checkpoint-kind = { $file } is { $what }, not a checkpoint
checkpoint-not-drawn = { $file } is a { $family } model, which is not supported
checkpoint-quantized = { $file } is quantized as { $found }, which is not supported
checkpoint-inpaints = { $file } is an inpainting model of { $family }, which is not supported
checkpoint-unreadable = { $file } cannot be read within the time and memory for one file
checkpoint-other-format = { $file } is in a format that is not read; safetensors only
checkpoint-moving = { $file } is still being copied
checkpoint-edits = { $file } takes { $channels } channels; editing is not supported
checkpoint-unknown = { $file } holds no model that Darkroom knows
kind-diffusion-model = a diffusion model without VAE and text encoder
kind-lora = a LoRA
kind-embedding = an embedding
kind-vae = a VAE
kind-control = a ControlNet
kind-upscaler = an upscaler
kind-text-encoder = a text encoder
kind-image-encoder = an image encoder
kind-ip-adapter = an IP-Adapter
kind-captioner = a captioner, which describes pictures
kind-segmenter = a segmenter, which finds what words mean in pictures
checkpoint-not-found = it has no source, and none of this name is in the folders of models
checkpoint-no-source = { $source } is neither a folder nor a hub id (owner/name)
checkpoint-hub-out-of-reach = { $repository } is not on disk and the hub is out of reach
checkpoint-hub = { $repository } on the hub: { $why }
checkpoint-scheduler = its scheduler's configuration does not suit { $sampler }: { $why }
checkpoint-predicts = it predicts { $kind }, which not every sampler can follow
checkpoint-lacks-weights = { $count } of its weights are missing, such as { $first }
checkpoint-takes = its UNet takes { $channels } channels
checkpoint-preview = { $file } must hold a { $channels }×3 matrix and a bias of 3
checkpoint-checker-lacks = its safety checker lacks { $weight }
checkpoint-changed = { $file } is not the file that was published (its SHA-256 is { $found }…, not { $wanted }…); install Darkroom again
checkpoint-unpublished = { $file } was never published; SHA256SUMS does not name { $name }
checkpoint-revisions = { $file }: { $why }; mend it, or remove it to pin anew

### Common words

ordinal = { ORDINAL($number) ->
    [one] { $number }st
    [two] { $number }nd
    [few] { $number }rd
   *[other] { $number }th
 }
duration = { $seconds } s
    .minutes = { $minutes } min { NUMBER($seconds, minimumIntegerDigits: 2) } s
    .device = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: 0) } s
kind =
    .imagine = imagine
    .reroll = reroll
    .variation = variation
    .upscale = upscale
    .remix = remix
    .inpaint = inpaint
    .outpaint = outpaint
    .hires = hires
status =
    .recorded = recorded
    .queued = queued
    .running = running
    .done = done
    .failed = failed
    .cancelled = cancelled
verdict =
    .shown = shown
    .spoiler = spoiler
    .refused = refused
aspect =
    .square = square
    .portrait = portrait 2:3
    .landscape = landscape 3:2
    .wide = wide 16:9
    .tall = tall 9:16
shape =
    .square = square
    .portrait = portrait
    .landscape = landscape
    .wide = wide
    .tall = tall
parameter =
    .without = Without
    .checkpoint = Checkpoint
    .model = Model
    .model-hash = Model hash
    .aspect = Size
    .steps = Steps
    .sampler = Sampler
    .guidance = Guidance
    .seed = Seed
    .strength = Strength
    .rescale = Guidance rescale
    .style = Style
    .lora = LoRA
    .control = ControlNet
    .control-weight = Control weight
    .reference-weight = Reference weight
    .reference-kind = Reference for
    .hires = Hires
    .tile = Seamless
permission =
    .view-channel = View Channel
    .send = Send Messages
    .send-in-threads = Send Messages in Threads
    .attach = Attach Files
    .moderate-members = Timeout Members
    .manage-guild = Manage Server

### /imagine and related commands

command-imagine = Develop pictures from a description
    .prompt = What to draw
    .negative-prompt = What to keep out of the picture
    .aspect = The shape of the picture (square)
    .count = How many pictures (4)
    .steps = Denoising steps: more take longer and add detail
    .guidance = How closely to follow the prompt
    .seed = The same seed and settings draw the same picture again
    .sampler = The noise scheduler
    .checkpoint = The model that draws
    .image = A picture to start from: PNG, JPEG, WebP, AVIF or HEIC, cropped to the shape
    .strength = How much of that picture is redrawn (0.75)
    .rescale = Takes back glaring contrast that high guidance brings: 0.7 is usual (0)
    .hires = Draw the finished picture again this many times as large, with finer detail
    .tile = Draw a seamless tile: opposite edges continue each other
    .style = A named look added to your prompt; "none" for no style
    .lora = LoRAs to draw with, as in "ink:0.8, wash"
    .control = A ControlNet by its name, or what it reads: canny, depth, pose, tile
    .control-image = The picture it reads; else your source image
    .control-weight = How much it counts (1)
    .reference = A picture whose subject or style yours are to have
    .reference-weight = How much it counts (0.7)
    .reference-kind = What yours are to have of it (subject)
    .private = Only you can see it, and what you make from it
command-upscale = Make one of your own pictures larger
    .image = A PNG, JPEG, WebP, AVIF or HEIC with at most 2048 pixels on each side
    .factor = How many times as wide and as high it gets
    .private = Only you can see it, and what you make from it
command-edit = Draw over a part of one of your own pictures
    .image = A PNG, JPEG, WebP, AVIF or HEIC; the transparent parts of one are drawn over without a mask
    .prompt = What to draw there
    .mask = A picture of which the white parts, or the transparent ones, are drawn over
    .mask-words = Instead of a mask, what is drawn over, in words: the hat, the scarf
    .strength = How much of it is redrawn (1)
    .feather = How many pixels around it blend into the rest (16)
    .control-image = What the control reads, if not the picture itself
    .private = Only you can see it, and what you make from it
command-outpaint = Draw around one of your own pictures
    .image = A PNG, JPEG, WebP, AVIF or HEIC
    .prompt = What the whole picture is to show
    .zoom = How many times as much to see, with the picture in the middle
    .left = How many pixels to add on the left
    .right = How many pixels to add on the right
    .top = How many pixels to add above
    .bottom = How many pixels to add below
    .private = Only you can see it, and what you make from it
uploaded-picture = an uploaded picture

menu-source = Use as source image
form-imagine = New picture
form-source = Use as source image
form-source-prompt = What to turn the picture into
form-source-prompt-first =
    { $others ->
        [one] What to turn the first picture into; there is one more
       *[other] What to turn the first picture into; there are { $others } more
    }
form-prompt = Prompt
form-negative-prompt = Negative prompt
    .hint = What to keep out of the picture
form-strength = Strength
    .hint = How much of it is redrawn: more than 0, at most 1
source-gone = I do not have that picture any more. Pick it from the message's menu again.
no-picture = That message has no picture.

### A job's message

job-held-back = { $count ->
    [one] 1 picture was
   *[other] { $count } pictures were
  } held back by { $place ->
    [server] this server's rules
   *[here] the rules here
  }
job-held-back-privately = All of them were held back: the check considers them not safe for work. Another prompt or seed may help.
job-from = From { $where }
job-moved = You asked for this in { $channel }, where I cannot reach you any more.
job-cancelled = Cancelled
job-failed-privately = ⚠️ Discord does not let me say here what happened. I told the person who asked.
job-cancelled-by-moderator = Cancelled by a moderator
job-variation = (variation of { $number })
job-edit = (edit of { $number })
job-around = (around { $number })
job-hires = (hires of { $number })
job-starting = Starting…
job-queued = Queued, { ordinal }
job-loading =
    Loading { $checkpoint }{ $percent ->
        [0] …
       *[other] : { $percent } %
    }
job-stalled = { $drawn ->
    [0] Waiting for the disk. This continues automatically as soon as the disk allows it.
    [one] Your picture is drawn; waiting for the disk. It will be posted automatically.
   *[other] Your pictures are drawn; waiting for the disk. They will be posted automatically.
}
job-progress = step { $step } of { $steps } · { $left } left
job-without = without: { $words }
job-left-out = not available here, left out: { $words }
job-cut = too long, left out: { $words }
job-shrunk = Made smaller to fit Discord's upload limit; the originals are kept.
job-delete =
    { $pictures ->
        [one] Delete this picture? The message and the files will be gone for good.
       *[other] Delete these pictures? The message and the files will be gone for good.
    }
settings-steps = { $steps ->
        [one] 1 step
       *[other] { $steps } steps
    }
settings-guidance = guidance { $guidance }
settings-seed = seed { $seed }
settings-strength = strength { $strength }
settings-rescale = guidance rescale { $rescale }
settings-control = control { $control }
settings-reference-weight = reference { $reference-weight }
settings-hires = hires ×{ $hires }
settings-tile = seamless
picture-place = (picture { $number } of { $count })
preview-alt = A preview of the pictures

### Buttons, forms, questions

button-newer = Newer
button-older = Older
button-cancel = Cancel
button-upscale = U{ $number }
button-vary = V{ $number }
button-reroll = Reroll
button-vary-subtle = Vary subtle
button-vary-strong = Vary strong
button-remix = Remix
button-edit-region = Edit region
button-zoom-out = Zoom out { $factor }×
button-custom-zoom = Custom zoom
button-make-square = Make square
button-pan-left = ⬅️
button-pan-right = ➡️
button-pan-up = ⬆️
button-pan-down = ⬇️
button-hires = Hires
button-details = Details
button-send = Send to me
button-favourite = Favourite
button-delete = Delete
button-delete-for-good = Delete for good
form-remix = Remix
form-custom-zoom = Custom zoom
form-zoom = Zoom out
    .hint = How many times as much is seen, { $least } to { $most }
form-edit-region = Edit region
region-panel = Press the parts of the picture that are to be drawn again, then **Redraw**. With **Whole rows** a press picks its whole row; **Feather** is how far the edge of what is redrawn blends into the rest.
region-panel-words = Press the parts of the picture that are to be drawn again, or say what is with **By words**, then **Redraw**. With **Whole rows** a press picks its whole row; **Invert** picks everything else.
region-words = By words…
region-words-picked = By words: { $words }
form-region-words = Pick by words
form-words = What is to be drawn again
    .hint = Such as: the hat, the scarf. Leave empty to pick by parts only
form-feather = Feather
    .hint = How many pixels around it blend into the rest, 0 to { $most }
region-rows = Whole rows
region-invert = Invert
region-feather = Feather { $pixels } px
region-clear = Clear
region-draw = Redraw
error-region-none = Pick at least one part of the picture first: the numbered buttons lie as the parts of the picture do.
error-region-all = Everything is picked. Leave at least one part as it is; to draw all of it again, use Vary or Remix.
form-too-long = { $name }: { $length } characters are more than a form can hold ({ $most }), so it stays as it is.
form-seed = Seed
    .hint = Leave empty for a new one
form-guidance = Guidance
    .hint = Leave empty for the checkpoint's default
form-steps = Steps
    .hint = Leave empty for the checkpoint's default
question = This makes **{ $jobs } jobs**:
question-yes = Make { $jobs } jobs
question-no = No
question-made = On their way.
question-left = Cancelled.
question-replaced = There is a newer question, so this one was cancelled.
question-forgotten = Nobody answered, so I cancelled it. Ask again whenever you like.

### Finished pictures: details, history, favourites

command-history = What you asked for here, newest first
    .word = Only with this in the prompt or the negative prompt
    .days = How many days to look back
command-favourites = The jobs here that you marked as favourites
command-show = Everything about one job of this server
    .job = The job's number, as in its file names
history-own-none = No results.
favourites-none = You have no favourites here yet: press ⭐ on a picture.
menu-details = Generation details
command-inspect = Show how a picture was made, from the data in its file
    .image = A PNG, JPEG, WebP, AVIF or GIF from here or from another program
button-use-these = Use these
command-describe = Get prompts for a picture, and see what its file says
    .image = A PNG, JPEG, WebP, AVIF or GIF from here or from anywhere else
captions = It could be drawn from
error-no-captioner = I cannot say what a picture shows: this bot's owner has installed no captioner.
error-no-segmenter = I cannot find things by words: this bot's owner has installed no segmenter, such as CLIPSeg, in the models folder.
error-segmenter = The segmenter could not look at that picture. The bot's owner finds the reason in the log.
error-words-nothing = I found nothing in that picture that could be “{ $words }”. Other words may help, or pick the parts yourself.
error-captioner = The captioner could not describe that picture. The bot's owner finds the reason in the log.
error-no-captions = The captioner found no words for that picture.
error-file-says-nothing = That file does not say how it was made.
error-file-of-program = That file is from { $program }, and does not say how it was made in a way I can read.

# Values in a picture's file that are not available here.
left-out-checkpoint = model { $said }
left-out-sampler = sampler { $said }
left-out-steps = steps { $said }
left-out-guidance = guidance scale { $said }
left-out-seed = seed { $said }
left-out-aspect = size { $said }
left-out-mask-size = the mask's size { $was } (fitted to { $now })
left-out-transparency = transparency (laid on white)
left-out-strength = strength { $said }
left-out-rescale = guidance rescale { $said }
left-out-hires = hires { $said }
left-out-tile = tiling { $said }
left-out-other = { $name } { $said }

details-by = Requested by
details-seeds = Seeds
details-parent = Made from
    .picture = { $way }, picture { $number }
details-children = Made from it
details-left-out = Not available here, left out
details-cut = Too long, left out
details-without = **Without** { $words }
details-device-time = Device time
details-size =
    .uploaded = { $size } (from { $before })
    .larger = { $size } (drawn { $before })
details-no-file = no file kept
details-held-back = held back
deleted-message = Deleted.
entry-asked = Requested
entry-where = { $when } in { $channel }
entry-jump = jump
entry-why = Why
entry-by-moderator = by a moderator
entry-deleted = deleted
entry-unseen = One of your favourites. It cannot be shown here: it was made in a place that you cannot see from this channel, or can no longer see.
file-no-prompt = *no prompt*
file-also = Also
file-left-out = Not available here
file-program = From { $program }
file-partial = Only a part of this could be read: some of it comes from parts of the graph that I do not know.
file-no-offer = I cannot make another one like it: that needs { $bound }.
sent = Sent: { $where }
details-without-pictures = That was quick, so the pictures are left out this time. Press Details again in ten seconds to see them.
favourite-added = Added to your favourites.
favourite-removed = Removed from your favourites.
deleted-files = Deleted: the files are gone. I cannot delete the message, but you can dismiss it.

### The queue

command-queue = Who is waiting, where you are in line, and how long it takes
command-cancel = Cancel one of your jobs, or all of them
    .job = Which one; not needed if there is only one
    .everything = All of your jobs here
cancelled-own =
    { $jobs ->
        [one] Cancelled job { $ids }.
       *[other] Cancelled { $jobs } jobs.
    }
error-no-job-of-yours = You have no jobs in progress here.
error-which-job = You have { $jobs } jobs in progress. Pick one with `job`, or use `everything`.

queue-somebody = someone
queue-empty = The queue is empty. Your turn!
queue-counts = **{ $running } running, { $waiting } waiting**
    .timed = **{ $running } running, { $waiting } waiting**, all done in about { $time }
queue-running = running
queue-elsewhere = someone elsewhere
queue-yours = you: { $prompt }
queue-about = about { $time }
queue-more = and { $more } more

### Checkpoints and styles

command-checkpoints = The models you can pick, with their settings and a sample picture
    .search = Part of a name
    .refresh = Look for new files now (the bot's owners only)
command-loras = The LoRAs you can add to a prompt, with their trigger words
    .search = Part of a name or of a trigger word
refresh-new =
    { $count ->
        [one] 1 new model
       *[other] { $count } new models
    }: { $names }
refresh-changed =
    { $count ->
        [one] 1 has changed
       *[other] { $count } have changed
    }: { $names }
refresh-gone =
    { $count ->
        [one] 1 is gone
       *[other] { $count } are gone
    }: { $names }
refresh-nothing = Nothing has changed.
refresh-more = and { $count } more; `darkroom models check` lists them all
command-styles = The styles you can pick, with their prompts and a sample picture
checkpoint-settings = { $size } px, { $steps } steps of { $sampler }, guidance { $guidance }
checkpoint-default = Used by default
style-prompt = **With your prompt** { $prompt }
style-without = **Without** { $prompt }
style-loras = **LoRAs** { $loras }
style-for = **For** { $checkpoints }
lora-family = **For** { $family }
lora-triggers = **Trigger words** { $words }
lora-weight = **Weight** { $weight }
lora-brings = **Made for** { $settings }
lora-steps =
    { $steps ->
        [one] one step
       *[other] { $steps } steps
    }
lora-guidance = guidance { $guidance }
lora-unknown = Nothing more is known about it.
example-alt = A picture made with { $name }
nothing-offered = There is nothing to choose from here.
page-back = Back
page-on = Next
error-files-busy = I am busy with too many files right now. Please try again in a moment.
error-too-fast =
    { $seconds ->
        [one] That was quick. Try again in a second.
       *[other] That was quick. Try again in { $seconds } seconds.
    }
error-age-restricted = { $name } is for age-restricted channels only.
error-lora-forbidden = The LoRA { $name } is not allowed here; `/loras` lists those that are.
error-checkpoint-reserved = { $name } is reserved for certain roles, and you have none of them here.
settings-style = style { $style }
settings-lora = LoRA { $lora }
details-styled = Full prompt

### A person's own settings

command-settings = Your own defaults for /imagine
command-settings-show = Show your own defaults, and what is left of today's quota in this server
command-settings-set = Set your own defaults for the options of /imagine, in every server
command-settings-reset = Remove one of your defaults
    .setting = Which one
settings-card = What you get for options that you leave out. Your defaults take precedence over the server's; `/settings reset` removes one.
bound-default = at most { $most } here; your own default is { $yours } (`/settings`), so pick another value
quota-free = { $used ->
        [one] 1 picture
       *[other] { $used } pictures
    } today
quota-used = { $used } of { $limit } pictures today
quota-seconds = { $used } of { $limit } seconds of device time
quota-day = the quota resets { $back } (UTC)

### A server's and a channel's settings

preference =
    .checkpoint = The model that draws
    .aspect = The shape of the picture
    .steps = Denoising steps
    .guidance = How closely to follow the prompt
    .rescale = Takes back glaring contrast that high guidance brings
    .hires = Draw finished pictures again this many times as large, with finer detail
    .tile = Draw seamless tiles
    .count = How many pictures
    .style = A named look; "none" for no style
    .sampler = The noise scheduler
    .negative-prompt = What to keep out of the picture unless you say otherwise
    .private = Only you can see what /imagine makes for you
command-config = The settings of this server and its channels
command-config-show = Show the settings that apply here, and where they were set
command-config-defaults = Set what people get for options of /imagine that they leave out
command-config-bounds = Limit how much a single job may ask for
    .max-steps = Denoising steps
    .max-count = Pictures
    .max-side = The longer side of a picture in pixels, upscaled ones included
command-config-quota = Limit what each person may ask for in a day (UTC); for the whole server only
    .pictures-per-day = Pictures, from any kind of job
    .seconds-per-day = Seconds of device time
    .running-at-once = How many jobs of one person run at the same time; the others wait
command-config-access = Choose the channels and roles that may ask for pictures
command-config-loras = Allow or forbid a LoRA here
    .action = What to do with it
    .lora = Its name
command-config-safety = Choose what happens to pictures that are probably not safe for work
    .age-restricted = In age-restricted channels (spoiler)
    .elsewhere = In all other channels (refuse)
    .spoiler-above = Hide as a spoiler from this score up, 0 to 1 (0.2)
    .refuse-above = With refuse: do not show from this score up, 0 to 1 (0.8)
    .keep-refused = Keep refused pictures for moderators (yes)
command-config-negative = Add a negative prompt to everyone's
    .text = What to keep out of every picture
command-config-reset = Reset a setting to its inherited value
    .setting = Which one
strictness =
    .allow = allow
    .spoiler = spoiler
    .refuse = refuse
config-channel = Only this channel or thread; the whole server if left out
config-card = Settings in { $where }. **Bold** values are set here; `/config reset` resets them.
config-server = the whole server
config-not-set = –
config-from-channel = (from the channel)
config-from-server = (from the server)
config-built-in = (built in)
config-loras =
    .allow = Allow it, and of the others only those that are allowed too
    .forbid = Forbid it
    .forget = Take it off both lists
config-none = none
config-more = { $more } more
config-only-in = Only in { $channels }
config-pick-channels = Only in these channels (none: in all of them)
config-pick-roles = Only for these roles (none: not restricted here)
config-allowed-yes = Pictures are allowed here
config-allowed-no = No pictures here
config-allowed-inherited = Inherited
yes = yes
no = no

### Moderation: history, usage

command-mod = For moderators
menu-inspect = Inspect generation
menu-history = Generation history
command-mod-history = Who asked for what in this server, newest first
    .person = Only from this person
    .words = Only with these words in the prompt or the negative prompt
    .checkpoint = Only with this checkpoint
    .status = Only with this status
    .flagged = Only what a filter or the check flagged
    .since = On or after this day, or since this long ago: 2026-11-03, 7d
    .until = On or before this day, or until this long ago: 2026-11-03, 7d
    .job = The job's number, as in its file names
command-mod-usage = How much was generated here and for whom, with a chart and a table
    .days = How many days, up to today (30)
history-none = No results.
history-again = Run one of them again…
history-pick = Look at one of them…
button-unveil = Show blurred
button-export = Export CSV
button-remove = Remove
button-block = Block person
bound-since = before `until`
bound-moment = a day like `2026-11-03` or an age like `7d`, within the last five years
error-message-without-job = That message does not belong to any of my jobs.
exported = { $jobs ->
    [one] One job.
   *[other] { $jobs } jobs.
 }
exported-part = These are the newest; the others do not fit into one file. Narrow the search to export them.
form-remove = Remove #{ $job }
form-block = Block { $name }
form-duration = How long
    .hint = Like 3d 12h, or: for good
form-reason = Reason
    .audit = For the audit trail
    .read = They can read it
inspect-by = By
inspect-when = Requested
inspect-status = Status
inspect-without = Without
inspect-settings = Settings
inspect-flagged = Flagged
inspect-file =
    .source = What it started from
    .mask = The mask: white was redrawn
    .control = A control picture
    .reference = A reference picture
inspect-error = Error
inspect-check = Check
inspect-score = { $number }: { $verdict }, { $score } likely not safe for work
    .percent = { NUMBER($score, style: "percent") }
inspect-erased = someone whose data was erased
inspect-private = private
inspect-deleted = deleted { $when }
error-chart-unavailable = The chart could not be drawn; here are the numbers instead.
usage-nothing = No pictures were asked for: { $period }.
usage-period = { $first } to { $last }
usage-total =
    { $period } (UTC): { $pictures ->
        [one] 1 picture
       *[other] { $pictures } pictures
    } in { $jobs ->
        [one] 1 job
       *[other] { $jobs } jobs
    }, { $failed } failed, { $refused } refused, { $minutes } device minutes.
usage-most =
    Most on one day: { $pictures ->
        [one] 1 picture
       *[other] { $pictures } pictures
    } on { $day }.
usage-people = Most pictures: { $people }.
usage-person = { $name } ({ $pictures })
usage-chart =
    { $period }: { $pictures ->
        [one] 1 picture
       *[other] { $pictures } pictures
    }, { $jobs ->
        [one] 1 job
       *[other] { $jobs } jobs
    }, { $minutes } device minutes
usage-chart-days = Per day (UTC)
usage-chart-weeks = Per week, by its first day (UTC)
usage-chart-pictures = pictures
usage-chart-failed = jobs that failed
usage-chart-refused = requests refused
usage-chart-people = Most pictures
usage-chart-nameless = No.

### Moderation: blocks, quotas, removal, audit

command-mod-block = Block someone from generating, and cancel their jobs
    .person = Who
    .duration = How long, like 3d 12h (for good)
    .reason = Why; they can read it
    .everywhere = In every server and in direct messages; bot owners only
command-mod-unblock = Let someone generate again
    .person = Who
    .reason = Why, for the audit trail
    .everywhere = Their block for every server; bot owners only
command-mod-blocks = Who is blocked, why, by whom and until when
    .everywhere = The blocks for every server; bot owners only
command-mod-remove = Remove a job's message, files and favourites
    .job = The job's number, as in its file names
    .reason = Why, for the audit trail
command-mod-cancel = Cancel a job, or all of someone's jobs here
    .job = The job's number, as in the queue
    .person = Cancel all jobs of this person
    .reason = Why, for the audit trail
command-mod-audit = What moderators did, newest first
    .moderator = Only by this moderator
    .action = Only this action
    .person = Only about this person
    .everywhere = What was done for every server; bot owners only
duration-1h = 1 hour
duration-1d = 1 day
duration-1w = 1 week
duration-30d = 30 days
block-for-good = for good
block-until = until { $time }
blocked = <@{ $person }> is blocked { $end }. { $jobs ->
    [0] They had no jobs in progress
    [one] One job was cancelled
   *[other] { $jobs } jobs were cancelled
 }
unblocked = <@{ $person }> can generate again.
blocks-title = Blocked
blocks-none = Nobody is blocked.
blocks-line = <@{ $person }> { $end }, by <@{ $moderator }> { $made }
removed = Removed #{ $job }. { $children ->
    [0] Nothing was made from it.
    [one] One job made from it stays; remove it by its own number.
   *[other] { $children } jobs made from it stay; remove each by its own number.
 }
removed-message = Removed by a moderator.
cancelled = { $jobs ->
    [0] They have no jobs in progress here.
    [one] One job cancelled.
   *[other] { $jobs } jobs cancelled.
 }
audit-title = What moderators did
audit-none = No results.
audit-line = `{ $id }` { $made } <@{ $moderator }> **{ $action }**

command-mod-quota = Quotas for people and roles, on top of the server's
    .who = A person or a role: the most generous role counts, and a person's own quota comes first
command-mod-quota-set = Give a person or a role their own number of pictures a day (UTC)
    .pictures-per-day = How many; the server's number if left out
command-mod-quota-add = Grant a person or a role more pictures today
    .pictures = How many more
command-mod-quota-reset = Reset today's count for a person or a role
command-mod-quota-show = Show what a person or a role was granted, and what is used today
allowance-daily = { $pictures ->
        [one] 1 picture
       *[other] { $pictures } pictures
    } a day
allowance-extra = { $pictures } more today
allowance-from = counted from { $moment }
allowance-none = nothing granted: the server's quota applies

### Moderation: filters

command-mod-filter = What prompts must not contain
command-mod-filter-add = Refuse, flag or cut out words in prompts
    .pattern = A word, a phrase or a regular expression; case and disguises do not matter
    .action = refuse: no pictures; flag: moderators see it; strip: the words are cut out
    .kind = word: a whole word; phrase: words in a row; regex: a regular expression (word)
    .strictness = inside: within longer words, or with doubled letters; spaced: also spread out (whole)
    .everywhere = In every server and in direct messages; bot owners only
command-mod-filter-remove = Remove a filter
    .filter = The filter's number, as in /mod filter list
    .everywhere = A filter for every server; bot owners only
command-mod-filter-list = List the filters of this server
    .everywhere = The filters for every server; bot owners only
command-mod-filter-test = See what the filters here do to a prompt
    .text = The prompt
filter-added = Filter #{ $id } added: { $line }
filter-removed = Filter #{ $id } removed: { $line }
filter-action =
    .refuse = refuse
    .flag = flag
    .strip = strip
filter-kind =
    .word = word
    .phrase = phrase
    .regex = regex
filter-strictness =
    .inside = inside words
    .spaced = spaced out
filter-line = **{ $action }** { $kind } { $pattern }
filter-line-strict = **{ $action }** { $kind }, { $strictness } { $pattern }
filter-line-off = { $line } is **switched off**: it must be { $bound }
filters-title = Filters
filters-none = There are no filters here.
filter-everywhere = one of the bot's owners
filter-test-off = Switched off, see `/mod filter list`: { $filters }.
filter-test-allowed = No filter matches.
filter-test-refused = Refused by { $filters }.
filter-test-emptied = Refused: nothing would be left of it.
filter-test-slow = Too slow to check, which counts as a match: { $filters }.
filter-test-flagged = Flagged by { $filters }.
filter-test-stripped = Cut by { $filters }: { $text }
stripped = Left out because of the rules here: { $words }

# What a pattern must be: these end the sentence "`pattern` must be …".
filter-pattern-length = 1 to { $most } characters
filter-pattern-word = one word of letters and digits (several words are a phrase, anything else a regex)
filter-pattern-phrase = words of letters and digits (anything else is a regex)
filter-pattern-regex = a regular expression ({ $why })
filter-pattern-unsupported = a regular expression without { $part }, which is not supported here: no lookaround, backreferences, possessive or atomic groups, set operations or flags other than i, m, s and U
filter-pattern-large = a smaller regular expression: its repeats and classes take too much memory together
filter-pattern-empty = a regular expression that needs at least one character to match
filter-pattern-slow = a regular expression that takes less than { $ms } ms
filter-strictness-regex = whole for a regular expression, which says itself what it finds
filter-off-many = one of at most { $most } regular expressions in a server, within the limit on their total size

### Privacy

command-privacy = What is stored about you
command-privacy-export = Get everything that is stored about you, as a file
command-privacy-erase = Erase what is stored about you, for good
export-part = Part { $part } of { $parts }. Each file can be read by itself.
question-erase = This erases your prompts, pictures and favourites in every server, and cannot be undone. Messages stay where they are; Delete under one removes it.
button-erase = Erase my data
erased =
    Erased: { $jobs ->
        [one] 1 job
       *[other] { $jobs } jobs
    }.
erased-nothing = Nothing was erased.

### Help

command-help = What I can do
help-menu-message = In a message's menu, under Apps
help-menu-person = In a person's menu, under Apps
