"""Deploying Next.js apps: settings, what an app's files tell, the plan of steps, and carrying it out.

settings   the typed model behind `nextjs_app`, and its Spec
detect     what an app's files tell: version of Next.js, package manager, scripts, engines (pure)
workspace  where in a workspace the app is, and what is built before it (pure)
modes      what a release is: the full tree, or only what the server needs (pure)
signals    which signal handlers an app registers (pure)
source     the sources: a directory or a git repository, as a list of files and as an archive
artifact   fingerprints: what goes into an installation and a build (pure)
unit       the texts of the systemd unit and the web server's site
plan       which steps a host needs, from what it told (pure)
static, serving, export, objects, publish, bucket
           apps that are exported as files: what prevents it, the site, the release, the bucket
deploy     carries the plan out on all hosts of a play
"""
