"""What PostgreSQL itself holds of users, whichever way they are changed."""

from __future__ import annotations

import pgtrigger

# Tokens and sessions end with deactivation, and do not come back with the user.
ENDS_TOKENS = pgtrigger.Trigger(
    name="ends_tokens",
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    condition=pgtrigger.Q(old__is_active=True, new__is_active=False),
    func="""
        DELETE FROM accounts_tokengrant g USING knox_authtoken t WHERE g.token_id = t.digest AND t.user_id = NEW.id;
        DELETE FROM knox_authtoken WHERE user_id = NEW.id;
        RETURN NULL;
    """,
)

# Who may not enter the desk any more is signed out of it; tokens go on where she is active, as they are programs'.
ENDS_SESSIONS = pgtrigger.Trigger(
    name="ends_sessions",
    when=pgtrigger.After,
    operation=pgtrigger.Update,
    condition=pgtrigger.Q(old__is_active=True, new__is_active=False)
    | pgtrigger.Q(old__is_staff=True, new__is_staff=False),
    func="""
        DELETE FROM django_session s USING usersessions_usersession u
         WHERE u.session_key = s.session_key AND u.user_id = NEW.id;
        DELETE FROM usersessions_usersession WHERE user_id = NEW.id;
        RETURN NULL;
    """,
)

# Names that differ only in capitals, or in how Unicode writes them, are one name. Those of before may stay.
ONE_NAME = pgtrigger.Trigger(
    name="one_name",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("username"),  # type: ignore[no-untyped-call]
    func="""
        IF TG_OP = 'INSERT' OR NEW.username IS DISTINCT FROM OLD.username THEN
            NEW.username := normalize(NEW.username, NFKC);
            PERFORM pg_advisory_xact_lock(hashtextextended('user name ' || lower(NEW.username), 0));
            IF EXISTS (SELECT FROM accounts_user u WHERE lower(u.username) = lower(NEW.username) AND u.id <> NEW.id)
            THEN
                RAISE unique_violation USING MESSAGE = 'There is a user of this name; capitals make no difference',
                    CONSTRAINT = 'one_name', TABLE = TG_TABLE_NAME;
            END IF;
        END IF;
        RETURN NEW;
    """,
)
USER_TRIGGERS = [ENDS_TOKENS, ENDS_SESSIONS, ONE_NAME]
