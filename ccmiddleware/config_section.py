"""What all sections of the configuration are made of: types of values, and secrets."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from ccmiddleware.errors import ConfigError

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Days = Annotated[int, Field(ge=1, le=36500)]
NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


class Section(BaseModel):
    """Base of all sections: unknown keys are mistakes, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MaybeSecret(Section):
    """A secret given directly, or as a file that holds nothing else, or none."""

    secret: SecretStr | None = Field(
        default=None, min_length=1, description="The secret itself. Better: secret_file."
    )
    secret_file: Path | None = Field(
        default=None, description="File that holds the secret, readable by the daemon alone."
    )

    @model_validator(mode="after")
    def _not_two(self) -> "MaybeSecret":
        if self.secret is not None and self.secret_file is not None:
            raise ValueError("has both secret and secret_file: remove one of them")
        return self

    @property
    def has_secret(self) -> bool:
        """Whether one is named."""
        return self.secret is not None or self.secret_file is not None

    def reveal(self) -> str:
        """The secret as text. Raises ConfigError when its file can't be read or is empty."""
        if self.secret is not None:
            return self.secret.get_secret_value()
        if self.secret_file is None:
            raise ConfigError(["has no secret: set secret_file (better) or secret"])
        try:
            text = self.secret_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError([f"secret_file {self.secret_file}: {error}"]) from None
        if not text:
            raise ConfigError([f"secret_file {self.secret_file} is empty"])
        return text


class Secret(MaybeSecret):
    """One that must be there."""

    @model_validator(mode="after")
    def _one_secret(self) -> "Secret":
        if not self.has_secret:
            raise ValueError("has no secret: set secret_file (better) or secret")
        return self
