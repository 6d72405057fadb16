"""Discord's limits, each with the page of the API reference that states it.

Everything the bot sends stays within them; tighter limits of our own are stated where they are
used. Tests check what is sent against Discord's specification.
"""

from datetime import timedelta

# "Application Command Object": integers lie between this and its negative.
LARGEST_INTEGER = 2**53 - 1
TEXT_OPTION_LENGTH = 6000
DESCRIPTION_LENGTH = 100
CHOICES = 25
CHOICE_NAME_LENGTH = 100

# "Message Resource", and "Uploading Files" for the file size without any boosts.
CONTENT_LENGTH = 2000
ALT_TEXT_LENGTH = 1024
FILE_BYTES = 10 * 2**20

# "Embed Limits"; the last one is for all embeds of a message together.
EMBED_TITLE_LENGTH = 256
EMBEDS_LENGTH = 6000

# "Component Reference".
MENU_OPTIONS = 25
MENU_LABEL_LENGTH = 100
BUTTON_LABEL_LENGTH = 80
FORM_TITLE_LENGTH = 45
FORM_TEXT_LENGTH = 4000

# "User Resource", and "Application Command Object" for a command's.
NAME_LENGTH = 32

# "Receiving and Responding": how long an interaction's token is valid.
TOKEN_LIFETIME = timedelta(minutes=15)
