#!/bin/bash
# QLoRA with TRL
set -e
export WANDB_PROJECT=nothing
CUDA_VISIBLE_DEVICES=0 accelerate launch --num_processes 1 trl/scripts/sft.py \
    --model_name_or_path Qwen/Qwen2-0.5B \
    --dataset_name trl-lib/Capybara \
    --learning_rate 2.0e-4 \
    --num_train_epochs 1 \
    --packing \
    --per_device_train_batch_size 2 \
    --gradient_accumulation_steps 8 \
    --gradient_checkpointing \
    --eos_token '<|im_end|>' \
    --eval_strategy steps \
    --eval_steps 100 \
    --use_peft \
    --load_in_4bit \
    --lora_r 32 \
    --lora_alpha 16 \
    --lora_target_modules q_proj k_proj v_proj \
    --assistant_only_loss \
    --lr_scheduler_type=cosine --warmup_ratio 0.03 \
    --no-shuffle_dataset \
    --output_dir Qwen2-0.5B-SFT > log.txt
