"""How to let infradb in: what stands in front of the machines' administrators, ready to paste."""

from importlib.resources import files

_GRANT = """An account without any right is enough. On infradb's own machine, once, as the user that infradb runs as:

    ssh-keygen -t ed25519 -N '' -C infradb -f ~/.ssh/infradb
    cat ~/.ssh/infradb.pub

On each machine, as root, with the line that `cat` printed in the place of KEY:

    useradd --system --create-home --shell /bin/sh --password '*' infradb    # FreeBSD: pw useradd infradb -m -s /bin/sh
    install -d -m 700 -o infradb -g infradb ~infradb/.ssh
    echo 'restrict KEY' >> ~infradb/.ssh/authorized_keys
    chown infradb:infradb ~infradb/.ssh/authorized_keys

`restrict` leaves the key no terminal, no forwarding and no agent. What the machine's own key is, it says itself:

    ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

Compare that with what is offered over the network, then make it known where infradb runs:

    ssh-keyscan -t ed25519 HOST | tee -a ~/.ssh/known_hosts | ssh-keygen -lf -

Without root infradb does not learn which processes other users' sockets belong to, serial numbers, and the health of
disks. To let it read these without letting it do anything else, give the machine the script itself, so that the key
can run nothing but that, whatever is sent to it:

    scp SCRIPT root@HOST:facts.sh

and on the machine, as root:

    install -D -m 755 -o root -g root facts.sh /usr/local/lib/infradb/facts.sh
    echo 'infradb ALL=(root) NOPASSWD: /bin/sh /usr/local/lib/infradb/facts.sh *' > /etc/sudoers.d/infradb
    chmod 440 /etc/sudoers.d/infradb && visudo -c

and in authorized_keys, in the place of the line above:

    restrict,command="sudo -n /bin/sh /usr/local/lib/infradb/facts.sh ${SSH_ORIGINAL_COMMAND##* }" KEY

The setting `sudo=true` needs no script there, but this line, and it makes the account root in all but name:

    infradb ALL=(root) NOPASSWD: /bin/sh -s *, /usr/bin/sh -s *
"""


def grant_lines() -> str:
    """Return the lines, with the place of the script on this machine."""
    script = files("infradb.collectors.linux").joinpath("facts.sh")
    return _GRANT.replace("SCRIPT", str(script))
