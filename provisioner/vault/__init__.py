"""Ansible Vault: its format, the passwords and where they come from, and changing encrypted files.

    envelope    the text form: header, hexadecimal lines
    cipher      AES-256-CTR with PBKDF2 and HMAC
    passwords   `--vault-id label@source`: files, programs, prompts
    keyring     all passwords of one run: opens and encrypts
    files       encrypted files on disk, replaced in one step
    editor      the plain text in an editor, and gone afterwards
"""
