"""What notifications have done outside of the service."""

from dataclasses import dataclass

from app.core.ports import Attempt, Ports

SUBJECT = "You have a new notification"


@dataclass(frozen=True, slots=True)
class SendMail:
    """Send a notification as a letter; nothing follows from it."""

    notification_id: str
    user_id: str
    message: str

    async def __call__(self, ports: Ports, attempt: Attempt) -> None:
        """Hand the letter over; its id tells the mail service that a repetition is one."""
        await ports.mail.send(self.user_id, SUBJECT, self.message, key=self.notification_id)
