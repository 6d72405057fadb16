# What Darkroom says, in English. See __init__.py beside this file.

### Errors

error-invalid = `{ $field }` must be { $bound }.
error-unreadable = I cannot read { $value }.
error-checkpoint = I cannot use that checkpoint: { $reason }.
error-too-large = That picture is too large for this machine. Try a smaller size.
error-not-checked = That picture could not be checked, so I do not show it. Please tell the server's owner.
error-cancelled = That job was cancelled.
error-worker-died = The worker stopped twice while drawing this. Please try another prompt.
error-store-busy = My database is busy right now; please try again in a moment.
error-store-full = My disk is full, so I cannot take on anything new. Please tell the server's owner.
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
error-server-only = That works in a server only.
error-command-gone = I do not know that command any more. Try again soon.
error-command-changed = That command has changed. Try again soon.
error-unforeseen = Something broke (ref { $reference }).
error-not-allowed-here = I need { $missing } here to post pictures.
error-queue-full =
    The queue is full: { $waiting ->
        [one] 1 job is
       *[other] { $waiting } jobs are
    } waiting. Try again in a few minutes.
error-queue-share =
    This server has its share of the queue waiting: { $waiting ->
        [one] 1 job
       *[other] { $waiting } jobs
    }. Try again when some of them are done.
error-no-direct-messages = I draw nothing in direct messages. Ask in a server where I am.
error-no-user-installs = I draw only in servers that invited me.
error-waiting =
    You have { $waiting ->
        [one] 1 job
       *[other] { $waiting } jobs
    } waiting{ $asked ->
        [1] ;
       *[other] {" "}and ask for { $asked } more;
    } one person may have { $most }. Come back when one is done, or cancel one.
error-too-many-jobs = That makes more than { $most } jobs, as many as may be asked for together.
error-parameters-unknown = I do not know { $unknown }. I know { $known }.
error-parameters-more = { $more } more
error-parameter-near = `--{ $name }` (did you mean `--{ $near }`?)
error-job-unknown = I do not know that job.
error-job-ended = That job has ended already.
error-job-open = That job is on its way still. Cancel it, or wait for its end.
error-jobs-open = Some of your jobs are on their way. Cancel them first, everywhere.
error-not-yours = Only the person who asked for it, or a moderator, can do that.
error-no-words = That picture was uploaded: there is no prompt to draw another one from.
error-picture-count =
    That job has { $count ->
        [one] 1 picture
       *[other] { $count } pictures
    }.
error-held-back = That picture was held back by the rules here.
error-button-unknown = I do not know that button any more.
error-button-foreign = I have no record of the picture that this button belongs to. My database was replaced, or restored from a backup, after I made it.
error-page-old = That answer is too old for its buttons. Please ask again.
error-form-unknown = I do not know that form any more.
error-file-elsewhere = `{ $field }` is not a file on Discord; I fetch nothing else.
error-file-late = Discord did not hand me `{ $field }` in time. Please try again.
error-direct-closed = Discord does not let me write to you. Allow direct messages in this server's privacy settings; Details has the files, too.
error-picture-not-stored = That picture is not stored any more. Reroll draws new ones.
error-pictures-not-stored = Those pictures are not stored any more. Reroll draws new ones.
error-blocked = Moderators blocked you { $end }.
error-blocked-because = Moderators blocked you { $end }: { $reason }
error-job-removed = That job was removed.
error-carried-out = That job was made in an age-restricted channel, so I cannot send someone else's pictures of it by direct message.
error-words-not-kept = What was asked for there is not stored any more.
error-prompt-refused = The rules here do not allow that prompt.
error-filters-full = There are { $most } filters here, as many as may be. Remove one first.
error-filters-regex-full = With this one, the regular expressions here would be more than { $most }, or too large together. Remove one first.
error-filter-stands = There is such a filter already. Remove it first, to give it another action or strictness.
error-no-filter = There is no such filter here. `/mod filter list` has their numbers.
error-owners-only = Only the owners of this bot can do that everywhere.
error-block-yourself = You cannot block yourself.
error-block-bot = I cannot block myself.
error-block-moderator = They moderate here too; only the server's owner can block them.
error-not-blocked = They are not blocked here.
error-cancel-what = Name either a `job` or a `person`.
error-message-stays = The files are deleted, but Discord does not let me touch the message: { $why }.
error-place-closed = Pictures are not drawn in this channel.
error-place-elsewhere = Pictures are not drawn in this channel, but in { $channels }.
error-role-needed = Pictures are for people with one of these roles here: { $roles }.
error-quota-pictures =
    { $limit ->
        [0] You may ask for no pictures in this server.
       *[other] You asked for { $used } of { $limit } pictures today in this server, and this would be { $asked ->
            [one] one
           *[other] { $asked }
        } more. The next day begins { $back } (UTC).
    }
error-ceiling-pictures =
    You may ask for { $limit ->
        [one] 1 picture
       *[other] { $limit } pictures
    } a day, in all servers and direct messages together, and this would be more. The next day begins { $back } (UTC).
error-ceiling-seconds =
    You used up today's { $limit ->
        [one] second
       *[other] { $limit } seconds
    } of device time, in all servers and direct messages together. The next day begins { $back } (UTC).
error-quota-seconds = You used up today's { $limit } seconds of device time in this server. The next day begins { $back } (UTC).

# What a field must be: these end the sentence "`steps` must be …".
bound-decodable = a picture that can be decoded in a few seconds
bound-whole = a whole number, { $least } to { $most }
bound-number = a number, { $least } to { $most }
bound-strength = a number, more than 0, at most 1
bound-strength-alone = left out where there is no `image`
bound-characters = { $least } to { $most } characters
bound-truth = true or false
bound-roles = 1 to { $most } roles
bound-strictness = spoiler or refuse: Discord wants an age restriction for more
bound-one-of = one of { $names }
bound-one-of-here = one of { $names } here
bound-one-of-with = one of { $names } with { $checkpoint }
bound-near = near one of { $names }
bound-with-value = followed by its value
bound-once = given once
bound-braces = written with a {"}"} for every {"{"}, or \{"{"} and \{"}"} for the characters
bound-one-prompt = one prompt: braces and `--repeat` make several
bound-duration = like `3d 12h`, from one minute to five years, or `for good`
bound-still-stored = a picture that is still stored
bound-image-prompt = a picture whose file has a prompt
bound-image-words = one whose prompts have at most { $most } characters
bound-choice = one of those on offer
bound-most = at most { $most } here: this server wants no more
bound-side = at most { $most } pixels on the longer side here: this server wants none larger
bound-negative = at most { $most } characters here: this server adds its own
bound-file = at most { $most } MiB
# What generation/ says of a field, after "must be", and of a checkpoint (its own English is in phrases.py)
bound-between = { $least } to { $most }
bound-characters-most = at most { $most } characters
bound-characters-with-style = at most { $most } characters with the style { $style }
bound-checkpoint-name = a name from the catalog
bound-multiple = a multiple of { $of }
bound-weights = written with weights from 0 to { $most }
bound-strength-needed = more than 0, at most 1, where there is an image
bound-strength-steps = at least { $least } with { $steps } steps
bound-image-needed = there, for strength to have a meaning
bound-image-size = an RGB PNG of { $width }×{ $height } px
bound-image-side = 1 px a side or more
bound-image-png = a whole PNG file
bound-image-file = a whole PNG, JPEG or WebP file
bound-image-scans = a JPEG of at most { $most } scans
bound-image-pixels = at most { $most } megapixels
bound-image-webp = at most { $most } megapixels as a WebP
bound-image-aspect = at most { $most } times as long as wide
bound-image-text = one with at most { $most } characters of text
bound-image-smaller = a smaller picture
bound-image-upscale = at most { $most } px a side to upscale
bound-either = { $names }
bound-factor-here = { $names } for { $width } × { $height } px: { $most } px is the most
bound-style-name = { $least } to { $most } characters, and not { $taken }
bound-style-prompt = a text with { $place } in it once, and no other braces
bound-without-lcm = another one than { $sampler } without lcm = true
checkpoint-not-listed = not in the catalog, which has { $names }
checkpoint-none-here = not in the catalog, which has none for here
checkpoint-file = { $file }: { $why }
checkpoint-file-missing = no such file: { $file }
checkpoint-folder-missing = no such folder: { $folder }
checkpoint-lacks = { $folder } lacks { $names }
checkpoint-other-pipeline = { $file } names { $found }, not a { $wanted }
checkpoint-pickled = pickled weights are refused; safetensors only ({ $folder } has { $names } and no { $wanted })
checkpoint-pickled-file = pickled weights are refused; safetensors only, not { $file }
checkpoint-no-weight-map = { $file } has no weight_map
checkpoint-shard = { $file } names { $shard }; safetensors only, beside it
checkpoint-no-json = { $file } is not valid JSON
checkpoint-no-object = { $file } is not a JSON object
checkpoint-not-whole = { $file } holds no whole checkpoint; it lacks { $names }
checkpoint-no-safetensors = { $file } is not a safetensors file
checkpoint-cut-short = { $file } is cut short in its header
checkpoint-length = { $file } has { $length } of its { $wanted } bytes
checkpoint-config = a single file needs config in the catalog
checkpoint-config-file = { $file } needs config in the catalog: a diffusers folder or a hub id that says how it is built
checkpoint-no-source = { $source } is neither a folder nor a hub id (owner/name)
checkpoint-hub-out-of-reach = { $repository } is not on disk and the hub is out of reach
checkpoint-hub = { $repository } on the hub: { $why }
checkpoint-predicts = it predicts { $kind }, which not every sampler can follow
checkpoint-lacks-weights = { $count } of its weights are missing, such as { $first }
checkpoint-inpainting = its UNet takes { $channels } channels, as for inpainting
checkpoint-preview = { $file } must hold a 4×3 matrix and a bias of 3
checkpoint-checker-lacks = its safety checker lacks { $weight }
checkpoint-changed = { $file } is not the file that was published (its SHA-256 is { $found }…, not { $wanted }…); install Darkroom again
checkpoint-unpublished = { $file } was never published; SHA256SUMS does not name { $name }
checkpoint-revisions = { $file }: { $why }; mend it, or remove it to pin anew

### Words for many places

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
    .style = Style
permission =
    .view-channel = View Channel
    .send = Send Messages
    .send-in-threads = Send Messages in Threads
    .attach = Attach Files
    .moderate-members = Timeout Members
    .manage-guild = Manage Server

### Imagine and its relatives

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
    .image = A picture to start from: PNG, JPEG or WebP, cropped to the shape
    .strength = How much of that picture is redrawn (0.75)
    .style = A named look, laid over your words; none for none
    .private = Only you see it, and what you make of it
command-upscale = Make a picture of yours larger
    .image = A PNG, JPEG or WebP of at most 2048 pixels a side
    .factor = How many times as wide and as high
    .private = Only you see it, and what you make of it
uploaded-picture = an uploaded picture

menu-source = Use as source image
form-source = Use as source image
form-source-prompt = What to make of the picture
form-source-prompt-first =
    { $others ->
        [one] What to make of the first picture; there is one more
       *[other] What to make of the first picture; there are { $others } more
    }
form-prompt = Prompt
form-negative-prompt = Negative prompt
    .hint = What to keep out of the picture
form-strength = Strength
    .hint = How much of it is redrawn: more than 0, at most 1
source-gone = I do not have that picture any more. Pick it from the message's menu once more.
no-picture = That message carries no picture.

### The message of a job

job-held-back = { $count ->
    [one] 1 picture was
   *[other] { $count } pictures were
  } held back by { $place ->
    [server] this server's rules
   *[here] the rules here
  }
job-held-back-privately = All of them were held back: the check takes them for not safe for work. Other words, or another seed, may help.
job-from = From { $where }
job-moved = You asked for this in { $channel }, where I cannot reach you any more.
job-cancelled = Cancelled
job-failed-privately = ⚠️ Discord does not let me say here what became of this. I told the person who asked.
job-cancelled-by-moderator = Cancelled by a moderator
job-variation = (variation of { $number })
job-starting = Starting…
job-queued = Queued, { ordinal }
job-loading = Loading { $checkpoint }…
job-stalled = { $drawn ->
    [0] Waiting for the disk. This goes on by itself as soon as the disk allows it.
    [one] Your picture is drawn; waiting for the disk to take it. It will be posted by itself.
   *[other] Your pictures are drawn; waiting for the disk to take them. They will be posted by themselves.
}
job-progress = step { $step } of { $steps } · { $left } left
job-without = without: { $words }
job-cut = too long, left out: { $words }
job-shrunk = Made smaller to fit Discord's upload limit; the originals are kept.
job-delete =
    { $pictures ->
        [one] Delete this picture? The message and the files go, for good.
       *[other] Delete these pictures? The message and the files go, for good.
    }
settings-steps = { $steps ->
        [one] 1 step
       *[other] { $steps } steps
    }
settings-guidance = guidance { $guidance }
settings-seed = seed { $seed }
settings-strength = strength { $strength }
picture-place = (picture { $number } of { $count })
preview-alt = A first look at the pictures

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
button-details = Details
button-send = Send to me
button-favourite = Favourite
button-delete = Delete
button-delete-for-good = Delete for good
form-remix = Remix
form-seed = Seed
    .hint = Empty for a new one
form-guidance = Guidance
    .hint = Empty for the checkpoint's own
form-steps = Steps
    .hint = Empty for the checkpoint's own
question = That makes **{ $jobs } jobs**:
question-yes = Make { $jobs } jobs
question-no = No
question-made = On their way.
question-left = Left alone.
question-replaced = There is a newer question; this one is left.
question-forgotten = Nobody answered, so I left it. Ask again when you like.

### Pictures that are there: details, history, favourites

command-history = What you asked for here, latest first
    .word = Only those with this in the prompt or the negative prompt
    .days = Only those of the last so many days
command-favourites = The jobs here that you marked with a star
command-show = Everything about one job of this server
    .job = Its number, as in the names of its files
history-own-none = Nothing of yours is like that here.
favourites-none = You have no favourites here yet: press ⭐ on one.
menu-details = Generation details
command-inspect = How a picture was made, as far as its file says
    .image = A PNG, JPEG or WebP from here, AUTOMATIC1111 or ComfyUI
button-use-these = Use these
error-file-says-nothing = That file does not say how it was made.

# What a picture's file says, and cannot be had here.
left-out-checkpoint = model { $said }
left-out-sampler = sampler { $said }
left-out-steps = steps { $said }
left-out-guidance = guidance scale { $said }
left-out-seed = seed { $said }
left-out-aspect = size { $said }
left-out-strength = strength { $said }

details-by = Asked by
details-seeds = Seeds
details-parent = Made from
    .picture = { $way }, picture { $number }
details-children = Made from it
details-cut = Too long, left out
details-without = **Without** { $words }
details-device-time = Device time
details-size =
    .uploaded = { $size } (from { $before })
    .larger = { $size } (drawn { $before })
details-no-file = no file kept
details-held-back = held back
deleted-message = Deleted.
entry-asked = Asked
entry-where = { $when } in { $channel }
entry-jump = jump
entry-why = Why
entry-by-moderator = by a moderator
entry-deleted = deleted
entry-unseen = One of your favourites. It cannot be shown here: it was made in a place that you cannot see from this channel, or no longer.
file-no-prompt = *no prompt*
file-also = Also
file-left-out = Not to be had here
sent = Sent: { $where }
details-without-pictures = That was quick, so the pictures are left out here. They come with the next Details in ten seconds.
favourite-added = Now among your favourites.
favourite-removed = No longer among your favourites.
deleted-files = Deleted: the files are gone. I cannot reach the message; you can dismiss it.

### The queue

command-queue = Who waits, where you are, and how long it takes
command-cancel = Cancel a job of yours, or all of them
    .job = Which one; not needed where there is only one
    .everything = All of yours here
cancelled-own =
    { $jobs ->
        [one] Cancelled job { $ids }.
       *[other] Cancelled { $jobs } jobs.
    }
error-no-job-of-yours = You have no job on its way here.
error-which-job = You have { $jobs } jobs on their way. Pick one with `job`, or `everything`.

queue-somebody = somebody
queue-empty = Nobody waits. Your turn!
queue-counts = **{ $running } running, { $waiting } waiting**
    .timed = **{ $running } running, { $waiting } waiting**, all done in about { $time }
queue-running = running
queue-elsewhere = somebody elsewhere
queue-yours = you: { $prompt }
queue-about = about { $time }
queue-more = and { $more } more

### Checkpoints and styles

command-checkpoints = What draws here, with its settings and a picture
command-styles = The looks you can pick, with their words and a picture
checkpoint-settings = { $size } px, { $steps } steps of { $sampler }, guidance { $guidance }
checkpoint-default = Used if you name none
style-prompt = **Your words in it** { $prompt }
style-without = **Without** { $prompt }
style-for = **For** { $checkpoints }
example-alt = A picture made with { $name }
nothing-offered = There is nothing to pick here.
page-back = Back
page-on = Next
error-files-busy = Too many files are being looked at right now. Try again in a moment.
error-too-fast =
    { $seconds ->
        [one] That was quick. Try again in a second.
       *[other] That was quick. Try again in { $seconds } seconds.
    }
error-age-restricted = { $name } is for age-restricted channels only.
settings-style = style { $style }
details-styled = Drawn from

### A person's own settings

command-settings = Your own defaults
command-settings-show = Your own defaults, and what is left of your day in this server
command-settings-set = What you get where you leave an option of /imagine out, everywhere
command-settings-reset = Take one of your defaults back
    .setting = Which one
settings-card = What you get where you leave it out. It goes before a server's own; `/settings reset` takes it back.
bound-default = at most { $most } here; your own default is { $yours } (`/settings`), so give another
quota-free = { $used ->
        [one] 1 picture
       *[other] { $used } pictures
    } today
quota-used = { $used } of { $limit } pictures today
quota-seconds = { $used } of { $limit } seconds of device time
quota-day = the next day begins { $back } (UTC)

### A server's and a channel's settings

preference =
    .checkpoint = The model that draws
    .aspect = The shape of the picture
    .steps = Denoising steps
    .guidance = How closely to follow the prompt
    .count = How many pictures
    .style = A named look; none for none
    .sampler = The noise scheduler
    .negative-prompt = What to keep out of the picture where you say nothing else
    .private = Only you see what comes of /imagine
command-config = What holds in this server and its channels
command-config-show = What holds here, and who said so
command-config-defaults = What people get who leave an option of /imagine out
command-config-bounds = How much one job may ask for
    .max-steps = Denoising steps
    .max-count = Pictures
    .max-side = The longer side of a picture in pixels, enlarged ones too
command-config-quota = How much each person may ask for in a day (UTC); for the whole server only
    .pictures-per-day = Pictures, of whatever kind of job
    .seconds-per-day = Seconds of the device's time
    .running-at-once = Jobs of one person that run at the same time; others wait
command-config-access = In which channels, and from which roles, pictures may be asked for
command-config-safety = What becomes of pictures that are probably not safe for work
    .age-restricted = In channels with Discord's age restriction (spoiler)
    .elsewhere = In all other channels (refuse)
    .spoiler-above = Hidden until clicked from this score on, 0 to 1 (0.2)
    .refuse-above = With refuse: not shown at all from this score on, 0 to 1 (0.8)
    .keep-refused = Store what is refused, for moderators (yes)
command-config-negative = A negative prompt that is added to everybody's
    .text = What is kept out of every picture
command-config-reset = Take a setting back, so that what is around it holds
    .setting = Which one
strictness =
    .allow = allow
    .spoiler = spoiler
    .refuse = refuse
config-channel = Only this channel or thread; left out, the whole server
config-card = What holds in { $where }. **Bold** is said here; `/config reset` takes it back.
config-server = the whole server
config-not-set = –
config-from-channel = (from the channel)
config-from-server = (from the server)
config-built-in = (built in)
config-more = { $more } more
config-only-in = Only in { $channels }
config-pick-channels = Only in these channels (none: in all)
config-pick-roles = Only for these roles (none: nothing said here)
config-allowed-yes = Pictures may be asked for here
config-allowed-no = Not here
config-allowed-inherited = As around it
yes = yes
no = no

### Moderation: history, usage

command-mod = For moderators
menu-inspect = Inspect generation
menu-history = Generation history
command-mod-history = Who asked for what in this server, latest first
    .person = Only theirs
    .words = Only with these words in the prompt or the negative prompt
    .checkpoint = Only drawn with it
    .status = Only those that are so far
    .flagged = Only those that a filter or the check wants you to see
    .since = From this day on, or so long ago: 2026-11-03, 7d
    .until = Up to this day, or until so long ago: 2026-11-03, 7d
    .job = Its number, as in the names of its files
command-mod-usage = How much was drawn here, for whom, with a chart and a table
    .days = Of so many days up to today (30)
history-none = Nothing here is like that.
history-again = Ask for one of them again…
history-pick = Look at one of them…
button-unveil = Show blurred
button-export = Export CSV
button-remove = Remove
button-block = Block person
bound-since = before `until`
bound-moment = a day like `2026-11-03` or a time ago like `7d`, in the last five years
error-message-without-job = That message carries no job of mine.
exported = { $jobs ->
    [one] One job.
   *[other] { $jobs } jobs.
 }
exported-part = These are the latest; there are more than fit a file. Narrow the search to have the others.
form-remove = Remove #{ $job }
form-block = Block { $name }
form-duration = How long
    .hint = Like 3d 12h, or: for good
form-reason = Reason
    .audit = For the audit trail
    .read = They read it, too
inspect-by = By
inspect-when = Asked
inspect-status = Status
inspect-without = Without
inspect-settings = Settings
inspect-flagged = Flagged
inspect-error = Error
inspect-check = Check
inspect-score = { $number }: { $verdict }, { $score } likely not safe for work
    .percent = { NUMBER($score, style: "percent") }
inspect-erased = somebody whose data was erased
inspect-private = private
inspect-deleted = deleted { $when }
error-chart-unavailable = The chart could not be drawn; here are the figures in words.
usage-nothing = Nobody asked for pictures: { $period }.
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
usage-chart-refused = wishes refused
usage-chart-people = Most pictures
usage-chart-nameless = No.

### Moderation: blocks, quotas, removal, audit

command-mod-block = Let somebody ask for nothing, and cancel what they have on its way
    .person = Who
    .duration = How long, like 3d 12h (for good)
    .reason = Why; they read it, too
    .everywhere = In every server and in direct messages; for the bot's owners
command-mod-unblock = Let somebody ask again
    .person = Who
    .reason = Why, for the audit trail
    .everywhere = What holds in every server; for the bot's owners
command-mod-blocks = Who is blocked, why, by whom and until when
    .everywhere = What holds in every server; for the bot's owners
command-mod-remove = Remove a job's message, files and favourites
    .job = Its number, as in the names of its files
    .reason = Why, for the audit trail
command-mod-cancel = Cancel a job, or all of a person's here
    .job = Its number, as in the queue
    .person = Whose jobs, all of them
    .reason = Why, for the audit trail
command-mod-audit = What moderators did, latest first
    .moderator = Only by them
    .action = Only this
    .person = Only to them
    .everywhere = What was done in every server at once; for the bot's owners
duration-1h = 1 hour
duration-1d = 1 day
duration-1w = 1 week
duration-30d = 30 days
block-for-good = for good
block-until = until { $time }
blocked = <@{ $person }> is blocked { $end }. { $jobs ->
    [0] Nothing of theirs was on its way
    [one] One job was cancelled
   *[other] { $jobs } jobs were cancelled
 }
unblocked = <@{ $person }> may ask again.
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
    [0] Nothing of theirs is on its way here.
    [one] One job cancelled.
   *[other] { $jobs } jobs cancelled.
 }
audit-title = What moderators did
audit-none = Nothing like that was done here.
audit-line = `{ $id }` { $made } <@{ $moderator }> **{ $action }**

command-mod-quota = What people and roles may ask for beside the server's quota
    .who = A person, or a role: of several roles the most generous holds, and a person's own before them
command-mod-quota-set = Give a person or a role pictures of their own a day (UTC)
    .pictures-per-day = How many; left out, the server's number
command-mod-quota-add = Grant a person or a role more pictures today
    .pictures = How many more
command-mod-quota-reset = Count a person's or a role's day from now on
command-mod-quota-show = What a person or a role was granted, and how the day stands
allowance-daily = { $pictures ->
        [one] 1 picture
       *[other] { $pictures } pictures
    } a day
allowance-extra = { $pictures } more today
allowance-from = counted from { $moment }
allowance-none = nothing granted: the server's quota holds

### Moderation: filters

command-mod-filter = What prompts may not say
command-mod-filter-add = Refuse, flag or cut out what prompts may not say
    .pattern = The word, the words, or the regular expression; case and disguises do not matter
    .action = refuse: no pictures; flag: moderators see it; strip: the words are cut out
    .kind = word: a whole word; phrase: words in a row; regex: a regular expression (word)
    .strictness = inside: in longer words, with letters doubled; spaced: also across spaces and signs (whole)
    .everywhere = In every server and in direct messages; for the bot's owners
command-mod-filter-remove = Remove a filter
    .filter = Its number, as in /mod filter list
    .everywhere = One that holds in every server; for the bot's owners
command-mod-filter-list = The filters of this server
    .everywhere = What holds in every server; for the bot's owners
command-mod-filter-test = What would become of a prompt here
    .text = The prompt
filter-added = Filter #{ $id } is there: { $line }
filter-removed = Filter #{ $id } is gone: { $line }
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
filter-test-allowed = No filter finds anything.
filter-test-refused = Refused by { $filters }.
filter-test-emptied = Refused: nothing is left of it.
filter-test-slow = Too slow to tell, which counts as found: { $filters }.
filter-test-flagged = Flagged by { $filters }.
filter-test-stripped = Cut by { $filters }: { $text }
stripped = Left out, as the rules here want it: { $words }

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
filter-off-many = one of at most { $most } regular expressions of a server, and not larger together with the others than they may be

### The check of pictures

### Privacy

command-privacy = What is kept about you
command-privacy-export = Everything that is kept about you, as a file
command-privacy-erase = Remove what is kept about you, for good
export-part = Part { $part } of { $parts }. Each file can be read by itself.
question-erase = This removes your prompts, pictures and favourites from my store, in every server, and cannot be taken back. Messages stay where they are; Delete under one removes it.
button-erase = Erase all of it
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
