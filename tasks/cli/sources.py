"""Where options come from besides the command line: the environment, and the file of `--config`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tasks.cli.arguments import is_list, with_paths

if TYPE_CHECKING:
    from tasks.config.yaml_loader import YamlFile

PREFIX = "SENTIMILL_"


class Sources(BaseSettings):
    """What a model is mixed with to be read from flags, the environment and a file, in this order."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        env_parse_none_str="null",
        extra="forbid",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_exit_on_error=False,  # argparse would print forty lines of usage above the one that matters
        cli_use_class_docs_for_groups=True,
    )
    settings_file: ClassVar["YamlFile | None"] = None
    """What `--config` named, once it is read."""

    config: Path | None = Field(
        None, description="YAML file, or the config.json of a run, to start from; - reads standard input."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags come before all of these."""
        return init_settings, Environment(settings_cls), FileSource(settings_cls)


def settings_class(model: type[BaseModel], program: str) -> type[Sources]:
    """The model with `--config`, and with the sources that its values come from."""
    config = SettingsConfigDict(
        env_prefix=str(model.model_config.get("env_prefix") or PREFIX), extra="forbid", cli_prog_name=program
    )
    body = {"__doc__": model.__doc__, "__module__": __name__, "model_config": config}
    return cast("type[Sources]", type(model.__name__, (model, Sources), body))


class FileSource(PydanticBaseSettingsSource):
    """The file that `--config` or SENTIMILL_CONFIG names; comes last, so everything else wins."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the file is read whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values of the file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no mapping.
        """
        path = self.current_state.get("config")
        if path is None:
            return {}
        from tasks.config.yaml_loader import parse_file, parse_text  # not for --help

        is_input = str(path) == "-"
        file = parse_text(sys.stdin.read(), "standard input") if is_input else parse_file(Path(path))
        if not isinstance(file.values, dict):
            raise ValueError(
                f"{file.name} holds no settings; expected a mapping, such as the line "
                "`taxonomy: goemotions`. See --help."
            )
        cast("type[Sources]", self.settings_cls).settings_file = file
        return with_paths(file.values, self.settings_cls)


class Environment(EnvSettingsSource):
    """Variables SENTIMILL_<NAME> and SENTIMILL_<SECTION>__<NAME>; lists as JSON or as a,b,c."""

    def __call__(self) -> dict[str, Any]:
        """The values of the environment."""
        return with_paths(super().__call__(), self.settings_cls)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """JSON, or the parts between commas where a list is expected."""
        if field and is_list(field) and not str(value).lstrip().startswith("["):
            return [part.strip() for part in str(value).split(",") if part.strip()]
        return super().decode_complex_value(field_name, field, value)
