"""Samples for people to score, preferences, yes/no checks, several readings a judge, scenarios and price cards"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_card",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("dated", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_table(
        "sample",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("design", sa.Enum("random", "stratified", "disagreement", name="design"), nullable=False),
        sa.Column("run_ids", sa.JSON(), nullable=False),
        sa.Column("rubric_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("n_population", sa.Integer(), nullable=False),
        sa.Column("double_share", sa.Float(), nullable=False),
        sa.Column("strata", sa.JSON(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rubric_id"],
            ["rubric.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "scenario",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("price_card_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("updated_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["price_card_id"],
            ["price_card.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "comparison",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("left_answer_id", sa.Integer(), nullable=False),
        sa.Column("right_answer_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("preference", sa.Enum("left", "same", "right", name="preference"), nullable=True),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["left_answer_id"], ["answer.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["question.id"],
        ),
        sa.ForeignKeyConstraint(
            ["rater_id"],
            ["rater.id"],
        ),
        sa.ForeignKeyConstraint(["right_answer_id"], ["answer.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_comparison_left", "comparison", ["left_answer_id"], unique=False)
    op.create_index("ix_comparison_rater", "comparison", ["rater_id", "id"], unique=False)
    op.create_index("ix_comparison_right", "comparison", ["right_answer_id"], unique=False)

    op.create_table(
        "draw",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("stratum", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("double", sa.Boolean(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sample_id", "answer_id"),
    )
    op.create_index("ix_draw_answer", "draw", ["answer_id"], unique=False)
    op.create_index("ix_draw_sample", "draw", ["sample_id", "position"], unique=False)

    op.create_table(
        "handout",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draw_id", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("handed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("done_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["draw_id"], ["draw.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["rater_id"],
            ["rater.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("draw_id", "turn"),
    )
    op.create_index("ix_handout_rater", "handout", ["rater_id", "id"], unique=False)

    op.create_table(
        "check_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessment.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_check_result_assessment", "check_result", ["assessment_id"], unique=False)

    # Added in place: to build these tables anew would first drop the old ones, and with them the rows that refer to them.
    op.add_column("assessment", sa.Column("sample", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "assessment",
        sa.Column("draw_id", sa.Integer(), sa.ForeignKey("draw.id"), nullable=True),
        inline_references=True,
    )
    op.add_column("assessment", sa.Column("flags", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("assessment", sa.Column("undoes", sa.Integer(), nullable=True))
    op.create_index("ix_assessment_rater", "assessment", ["rater_id", "run_id"])
    op.create_index("ix_assessment_draw", "assessment", ["draw_id"], sqlite_where=sa.text("draw_id IS NOT NULL"))
    op.add_column("answer", sa.Column("words", sa.Integer(), nullable=True))
    op.add_column("answer", sa.Column("repeated_4grams", sa.Float(), nullable=True))
    op.add_column("question", sa.Column("must", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("question", sa.Column("must_not", sa.JSON(), server_default="[]", nullable=False))
    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.add_column(sa.Column("digit_mass", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("probabilities", sa.JSON(), nullable=True))
        batch_op.alter_column("value", existing_type=sa.INTEGER(), type_=sa.Float(), existing_nullable=True)


def downgrade() -> None:
    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.alter_column("value", existing_type=sa.Float(), type_=sa.Integer(), existing_nullable=True)
        batch_op.drop_column("probabilities")
        batch_op.drop_column("digit_mass")
    op.drop_column("answer", "repeated_4grams")
    op.drop_column("answer", "words")
    op.drop_column("question", "must_not")
    op.drop_column("question", "must")
    op.drop_index("ix_assessment_draw", table_name="assessment")
    op.drop_index("ix_assessment_rater", table_name="assessment")
    for column in ("undoes", "flags", "draw_id", "sample"):
        op.drop_column("assessment", column)
    for table in ("check_result", "handout", "draw", "comparison", "scenario", "sample", "price_card"):
        op.drop_table(table)
    for enum in ("design", "preference"):
        sa.Enum(name=enum).drop(op.get_bind(), checkfirst=True)
