include $(sort $(wildcard $(BR2_EXTERNAL_THAW_PATH)/package/*/*.mk))
